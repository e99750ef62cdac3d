// The element's style, as a constructed sheet: it needs no inline style, so it
// works under a strict content security policy. Pages set the --edgecam-*
// properties and reach inner parts with ::part().

const css = `
:host {
  --_bg: #f4f6f7;
  --_surface: var(--edgecam-surface, #ffffff);
  --_text: var(--edgecam-text, #14222b);
  --_muted: var(--edgecam-muted, #54646f);
  --_line: var(--edgecam-line, #d5dce0);
  --_accent: var(--edgecam-accent, #0b6b6b);
  --_on-accent: var(--edgecam-on-accent, #ffffff);
  --_live: var(--edgecam-live, #c2410c);
  --_on-live: var(--edgecam-on-live, #ffffff);
  --_ok: var(--edgecam-ok, #1b7a43);
  --_radius: var(--edgecam-radius, 16px);
  --_focus: var(--edgecam-focus, #0b6b6b);
  display: block;
  container: edgecam / size;
  width: 100%;
  aspect-ratio: 1;
  min-width: 240px;
  color: var(--_text);
  background: var(--edgecam-background, transparent);
  font: 400 15px/1.4 var(--edgecam-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  -webkit-tap-highlight-color: transparent;
}
@media (prefers-color-scheme: dark) {
  :host {
    --_bg: #0e1417;
    --_surface: var(--edgecam-surface, #182126);
    --_text: var(--edgecam-text, #e7edf0);
    --_muted: var(--edgecam-muted, #9db0ba);
    --_line: var(--edgecam-line, #2b3840);
    --_accent: var(--edgecam-accent, #56c6bd);
    --_on-accent: var(--edgecam-on-accent, #06201f);
    --_live: var(--edgecam-live, #ff8a4c);
    --_on-live: var(--edgecam-on-live, #2a0f02);
    --_ok: var(--edgecam-ok, #5fd08e);
    --_focus: var(--edgecam-focus, #8be0d9);
  }
}
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.root { display: grid; grid-template-rows: minmax(0, 1fr) auto; width: 100%; height: 100%; }
.stage { container: stage / size; display: grid; place-items: center; min-height: 0; }
.frame {
  --ratio: 1.3333;
  position: relative; overflow: hidden;
  width: min(100cqw, 100cqh * var(--ratio)); aspect-ratio: var(--ratio);
  border-radius: var(--_radius); background: #0a0f12; color: #eef3f5;
  box-shadow: 0 1px 2px rgb(10 20 28 / 8%), 0 12px 32px -12px rgb(10 20 28 / 28%);
}
.root[data-talking] .frame::after { content: ""; position: absolute; inset: 0; border: 4px solid var(--_live); border-radius: inherit; pointer-events: none; }
video { display: block; width: 100%; height: 100%; object-fit: contain; background: #0a0f12; }
.still { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; filter: saturate(.4); }
.veil {
  position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 14px; padding: 24px; text-align: center;
  background: radial-gradient(120% 120% at 50% 20%, #22313a 0%, #10191e 70%); transition: opacity .3s;
}
.veil.over { background: rgb(8 13 16 / 62%); }
.veil[data-off] { opacity: 0; pointer-events: none; visibility: hidden; transition: opacity .3s, visibility 0s .3s; }
.veil p { margin: 0; max-width: 34ch; font-size: 16px; text-wrap: balance; }
.veil .why { color: #b9c6cd; font-size: 14px; }
.veil .icon { width: 44px; height: 44px; opacity: .85; }
.spin { width: 34px; height: 34px; border-radius: 50%; border: 3px solid rgb(255 255 255 / 18%); border-top-color: #7fd6cf; animation: spin 1s linear infinite; }
@keyframes spin { to { transform: rotate(1turn); } }
.chips { position: absolute; left: 12px; right: 12px; bottom: 12px; display: flex; flex-wrap: wrap; gap: 8px; justify-content: center; pointer-events: none; }
.chip {
  display: inline-flex; align-items: center; gap: 8px; max-width: 100%; padding: 8px 14px; border: 0; border-radius: 999px; font: inherit; font-size: 14px;
  color: #fff; background: rgb(10 16 20 / 78%); backdrop-filter: blur(8px);
}
.chips.away .chip:not([part="note"]) { display: none; }
.chip .icon { width: 18px; height: 18px; }
button.chip { pointer-events: auto; cursor: pointer; min-height: 44px; font-weight: 600; background: #fff; color: #14222b; }
.icon { width: 24px; height: 24px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }

.dock { display: grid; grid-template-columns: minmax(0, 1fr) auto minmax(0, 1fr); grid-template-areas: "door voice tools"; align-items: center; gap: 12px 24px; padding: 14px 4px 4px; }
.voice { grid-area: voice; display: flex; align-items: center; justify-content: center; gap: 14px; }
.door { grid-area: door; justify-self: start; }
.tools { grid-area: tools; display: flex; justify-content: end; gap: 6px; }
.dock.solo { grid-template-columns: auto auto; grid-template-areas: "voice tools"; justify-content: center; }
button { font: inherit; color: inherit; touch-action: manipulation; }
.tool, ::slotted(button) {
  display: grid; justify-items: center; gap: 3px; min-width: 68px; padding: 8px 6px 6px; border: 1px solid transparent; border-radius: 12px;
  background: none; color: var(--_text); font-size: 12px; line-height: 1.3; cursor: pointer; transition: background-color .15s;
}
.tool:hover, ::slotted(button:hover) { background: color-mix(in srgb, var(--_text) 7%, transparent); }
.tool[aria-pressed="true"] { color: var(--_accent); background: color-mix(in srgb, var(--_accent) 13%, transparent); }
.tool.mute[aria-pressed="true"] { color: inherit; background: none; }
.tool.mute[data-heard][aria-pressed="true"] { color: var(--_accent); }
.tool.mute[aria-pressed="false"], .tool.open-mic[aria-pressed="true"] { color: var(--_live); background: color-mix(in srgb, var(--_live) 13%, transparent); }
.talk {
  position: relative; display: grid; place-content: center; justify-items: center; gap: 1px; width: 84px; height: 84px; padding: 0; border: 0; border-radius: 50%;
  background: var(--_accent); color: var(--_on-accent); font-size: 12px; font-weight: 600; cursor: pointer; touch-action: none; user-select: none; -webkit-user-select: none;
  box-shadow: 0 6px 18px -6px color-mix(in srgb, var(--_accent) 70%, transparent); transition: background-color .15s, transform .15s;
}
.talk .icon { width: 28px; height: 28px; }
.talk:active { transform: scale(.97); }
.talk[data-live] { background: var(--_live); color: var(--_on-live); box-shadow: none; }
.talk[data-live]::after { content: ""; position: absolute; inset: 0; border-radius: 50%; border: 3px solid var(--_live); animation: ring 1.4s ease-out infinite; pointer-events: none; }
.talk[data-wait] { opacity: .8; }
@keyframes ring { from { transform: scale(1); opacity: .8; } to { transform: scale(1.32); opacity: 0; } }
.door {
  position: relative; overflow: hidden; display: inline-flex; align-items: center; justify-content: center; gap: 10px; min-width: 264px; min-height: 52px; padding: 0 22px 0 18px;
  border: 1.5px solid var(--_line); border-radius: 999px; background: var(--_surface); font-weight: 600; cursor: pointer; touch-action: none; user-select: none; -webkit-user-select: none;
}
.door:hover { border-color: var(--_accent); }
.door::before { content: ""; position: absolute; inset: 0; background: color-mix(in srgb, var(--_accent) 30%, transparent); transform: scaleX(var(--hold, 0)); transform-origin: left; }
.door:dir(rtl)::before { transform-origin: right; }
.door > * { position: relative; }
.door[data-open] { background: var(--_ok); border-color: var(--_ok); color: #fff; }
@media (prefers-color-scheme: dark) { .door[data-open] { color: #05210f; } }
button[aria-disabled="true"], button:disabled { opacity: .45; cursor: not-allowed; box-shadow: none; }
button:focus-visible, ::slotted(button:focus-visible) { outline: 3px solid var(--_focus); outline-offset: 2px; }
.chips button:focus-visible, .veil button:focus-visible { outline-color: #fff; }
.retry { min-height: 44px; padding: 0 20px; border: 0; border-radius: 999px; background: #fff; color: #14222b; font-weight: 600; cursor: pointer; }
.sr { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

@container edgecam (max-width: 700px) {
  .dock { grid-template-columns: minmax(0, 1fr); grid-template-areas: "voice" "door" "tools"; gap: 14px; padding: 16px 0 4px; }
  .voice { gap: 22px; }
  .talk { width: 104px; height: 104px; font-size: 13px; }
  .talk .icon { width: 34px; height: 34px; }
  .door { justify-self: stretch; min-width: 0; }
  .tools { justify-content: space-around; }
}
@container edgecam (max-height: 460px) and (min-width: 480px) {
  .root { grid-template: minmax(0, 1fr) / minmax(0, 1fr) auto; }
  .dock { grid-template-columns: auto; grid-template-areas: "voice" "door" "tools"; align-content: center; padding: 0 4px 0 16px; gap: 10px; }
  .talk { width: 76px; height: 76px; font-size: 12px; }
  .voice { gap: 6px; }
  .tool, ::slotted(button) { min-width: 56px; }
}
@container edgecam (max-height: 540px) and (max-width: 479px) {
  .dock { grid-template-columns: auto auto; grid-template-areas: "voice tools" "door door"; justify-content: space-between; gap: 8px; padding: 10px 0 2px; }
  .dock.solo { grid-template-columns: auto auto; }
  .voice { gap: 6px; }
  .talk { width: 64px; height: 64px; font-size: 10px; }
  .talk .icon { width: 24px; height: 24px; }
  .tools { gap: 2px; }
  .tool, ::slotted(button) { min-width: 44px; min-height: 44px; align-content: center; padding: 4px; font-size: 0; gap: 0; }
  .door { min-height: 46px; }
}
.root:fullscreen { background: #000; padding: 0; }
.root:fullscreen .frame { border-radius: 0; box-shadow: none; }
.root:fullscreen .dock { padding: 12px 20px 16px; background: var(--_bg); }
.root.standin { position: fixed; inset: 0; z-index: 9; background: #000; }

@media (prefers-reduced-motion: reduce) {
  * { transition-duration: .01ms !important; }
  .spin { animation-duration: 3s; }
  .talk[data-live]::after { animation: none; transform: scale(1.1); }
}
@media (prefers-contrast: more) {
  .tool, .door, ::slotted(button) { border-color: currentColor; }
  .chip { background: #000; border: 1px solid #fff; }
  button[aria-disabled="true"] { opacity: .7; }
}
@media (forced-colors: active) {
  .talk, .tool, .door, .retry, .chip { border: 1px solid ButtonText; }
  .tool:not(.mute)[aria-pressed="true"], .tool.mute[aria-pressed="false"], .talk[data-live], .door[data-open] { forced-color-adjust: none; background: Highlight; color: HighlightText; }
  .door::before { forced-color-adjust: none; background: Highlight; opacity: .5; }
  .spin { forced-color-adjust: none; }
}
`;

let sheet;

/** adopt gives a shadow root the element's style. */
export function adopt(root) {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  root.adoptedStyleSheets = [sheet];
}
