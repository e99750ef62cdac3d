// Keyboard shortcuts. Space and D act while they are held. Single-key shortcuts
// can be switched off, because they get in the way of speech input.

import { icon } from '../edgecam/icons.js';
import { h } from '../edgecam/view.js';
import { t } from '../texts.js';

const storeKey = 'edgecam-shortcuts';

function remembered() {
  try { return localStorage.getItem(storeKey) !== 'off'; } catch { return true; }
}

function remember(on) {
  try { localStorage.setItem(storeKey, on ? 'on' : 'off'); } catch { /* private windows may have no store */ }
}

/** typing says whether a key belongs to what has the focus. */
function typing(e) {
  const target = e.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (target.closest('input, textarea, select, [contenteditable]')) return true;
  return e.key === ' ' && target.closest('button, a, summary, [role="button"]') !== null;
}

/**
 * bindKeys maps keys to actions: {key: {down(), up()}}; an action without up is
 * done once per press. enabled() says whether the camera is on the screen.
 */
export function bindKeys(actions, enabled) {
  let on = remembered();
  const down = new Set();
  const release = (key) => { if (down.delete(key)) actions[key]?.up?.(); };
  addEventListener('keydown', (e) => {
    const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    const action = actions[key];
    if (!action || e.ctrlKey || e.metaKey || e.altKey || !enabled() || typing(e)) return;
    if (key !== 'Escape' && !on) return;
    if (key === ' ') e.preventDefault();
    if (e.repeat || down.has(key)) return;
    down.add(key);
    action.down();
  });
  addEventListener('keyup', (e) => release(e.key.length === 1 ? e.key.toLowerCase() : e.key));
  addEventListener('blur', () => { for (const key of [...down]) release(key); });
  return { get on() { return on; }, set on(value) { on = value; remember(value); } };
}

const rows = [
  [' ', 'helpTalk', 'talk'], ['o', 'helpOpenMic', 'talk'], ['d', 'helpDoor', 'door'], ['m', 'helpMute'], ['s', 'helpSnapshot'],
  ['f', 'helpFullscreen'], ['i', 'helpStats'], ['?', 'helpHelp'], ['Escape', 'helpEscape'],
];

/** fillHelp builds the help dialog; can says what this viewer may do. */
export function fillHelp(dialog, keys, { can, version }) {
  const close = h('button', { type: 'button', class: 'plain', 'aria-label': t('close'), onclick: () => dialog.close() }, icon('close'));
  const dl = h('dl');
  for (const [key, text, need] of rows) {
    if (need && !can[need]) continue;
    const name = { ' ': t('keySpace'), Escape: t('keyEscape') }[key] ?? key.toUpperCase();
    dl.append(h('dt', {}, h('kbd', {}, name)), h('dd', {}, t(text)));
  }
  const box = h('input', { type: 'checkbox' });
  box.checked = keys.on;
  box.onchange = () => { keys.on = box.checked; };
  dialog.replaceChildren(
    h('header', {}, h('h2', { id: 'help-title' }, t('helpTitle')), close), dl,
    h('label', {}, box, h('span', {}, t('helpKeysOn'))),
    h('p', { class: 'version' }, `${t('product')} ${version ?? ''}`.trim()));
}
