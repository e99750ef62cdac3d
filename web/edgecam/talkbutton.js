// The talk button: hold to talk by pointer or key; press twice quickly to keep
// the microphone open; a click without a pointer (screen readers, switch
// control) toggles the open microphone, because it cannot be held.

const doubleMs = 400;

/** bindTalkButton wires button to start(mode), stop() and mode(). */
export function bindTalkButton(button, { start, stop, mode }) {
  let held = false;
  let lastDown = 0;

  const down = () => {
    if (held) return;
    const now = performance.now();
    const twice = now - lastDown < doubleMs;
    lastDown = twice ? 0 : now;
    if (mode() === 'open') { stop(); lastDown = 0; return; }
    if (twice) { start('open'); return; }
    held = true;
    start('hold');
  };
  const up = () => {
    if (!held) return;
    held = false;
    if (mode() !== 'open') stop();
  };

  button.addEventListener('pointerdown', (e) => {
    if (e.button !== 0) return;
    button.setPointerCapture(e.pointerId);
    down();
  });
  for (const type of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur']) button.addEventListener(type, up);
  button.addEventListener('contextmenu', (e) => e.preventDefault());
  button.addEventListener('keydown', (e) => {
    if (e.key !== ' ' && e.key !== 'Enter') return;
    e.preventDefault();
    if (!e.repeat) down();
  });
  button.addEventListener('keyup', (e) => {
    if (e.key !== ' ' && e.key !== 'Enter') return;
    e.preventDefault();
    up();
  });
  button.addEventListener('click', (e) => {
    if (e.detail !== 0) return;
    if (mode() === 'open') stop();
    else start('open');
  });
}
