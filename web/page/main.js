// The viewer page: signs in, puts the camera on the screen, and adds what a page
// has and an element has not: the bell, statistics, shortcuts, notifications.

import '../edgecam.js';
import { icon } from '../edgecam/icons.js';
import { h } from '../edgecam/view.js';
import { t } from '../texts.js';
import * as api from './api.js';
import { bindKeys, fillHelp } from './keys.js';
import { showLogin } from './login.js';
import { Ring } from './ring.js';
import { StatsPanel } from './stats.js';

const $ = (id) => document.getElementById(id);
for (const el of document.querySelectorAll('[data-text]')) el.textContent = t(el.dataset.text);

let camera = null;
let info = null;

const statsButton = h('button', { type: 'button', slot: 'controls', 'aria-pressed': 'false', 'aria-controls': 'stats' }, icon('chart'), h('span', {}, t('statistics')));
statsButton.onclick = () => toggleStats();
const turnsButton = h('button', { type: 'button', slot: 'controls', 'aria-pressed': 'false', title: t('oneAtATimeHint') }, icon('people'), h('span', {}, t('oneAtATime')));
turnsButton.onclick = () => camera?.setAttribute('duplex', turnsButton.getAttribute('aria-pressed') === 'true' ? 'full' : 'half');
const panel = new StatsPanel($('stats'), () => toggleStats(false));
const ring = new Ring($('ring'), {
  answer: () => { camera?.mute(false); camera?.startTalk('open'); },
  canAnswer: () => camera?.hasAttribute('talk') ?? false,
});

function toggleStats(on = $('stats').hidden) {
  const inside = $('stats').contains(document.activeElement);
  $('stats').hidden = !on;
  statsButton.setAttribute('aria-pressed', String(on));
  if (!on && inside) statsButton.focus();
}

const keys = bindKeys({
  ' ': { down: () => camera.hasAttribute('talk') && camera.startTalk('hold'), up: () => camera?.stopTalk() },
  o: { down: () => camera.hasAttribute('talk') && camera.toggleOpenMic() },
  d: { down: () => camera.holdDoor(true), up: () => camera?.holdDoor(false) },
  m: { down: () => camera.mute() },
  s: { down: () => camera.saveSnapshot() },
  f: { down: () => camera.fullscreen() },
  i: { down: () => toggleStats() },
  '?': { down: () => openHelp() },
  Escape: { down: () => (ring.ringing ? ring.dismiss() : toggleStats(false)) },
}, () => camera !== null && !$('help-dialog').open);

function openHelp() {
  const can = { talk: camera?.hasAttribute('talk'), door: camera?.hasAttribute('door') };
  fillHelp($('help-dialog'), keys, { can, version: info?.version });
  $('help-dialog').showModal();
}

/** The bell button asks for notifications; it must be the user's own wish, so never at start. */
function setUpNotify() {
  const button = $('notify');
  if (!('Notification' in globalThis) || !isSecureContext) return;
  const show = () => {
    const on = Notification.permission === 'granted';
    const label = t({ granted: 'notifyOn', denied: 'notifyBlocked' }[Notification.permission] ?? 'notify');
    button.setAttribute('aria-pressed', String(on));
    button.setAttribute('aria-label', label);
    button.title = label;
    button.hidden = Notification.permission === 'denied';
  };
  button.replaceChildren(icon('bell'));
  button.onclick = async () => {
    if (Notification.permission === 'default') await Notification.requestPermission();
    show();
    camera?.note(button.title);
  };
  show();
}

function action(id, iconName, label, onclick, text = null) {
  const button = $(id);
  button.replaceChildren(icon(iconName), ...(text ? [h('span', {}, text)] : []));
  button.setAttribute('aria-label', label);
  button.title = label;
  button.onclick = onclick;
  return button;
}

function showState({ state, text }) {
  $('state').dataset.state = state;
  // The countdown is seen but not read out each second.
  if ($('state-text').textContent !== text) {
    $('state-text').setAttribute('aria-live', state === 'waiting' && $('state').dataset.said === 'waiting' ? 'off' : 'polite');
    $('state').dataset.said = state;
    $('state-text').textContent = text;
  }
  const { viewers } = camera?.device ?? {};
  $('viewers').hidden = !viewers || state !== 'live';
  if (viewers) {
    const words = viewers === 1 ? t('viewerOne') : t('viewers', { n: viewers });
    if ($('viewers').title !== words) {
      $('viewers').title = words;
      $('viewers').replaceChildren(icon('people'), h('span', { class: 'long' }, words));
    }
  }
}

function showCamera() {
  document.body.dataset.view = 'camera';
  const allowed = (scope) => !info.scopes || info.scopes.includes(scope);
  ring.name = info.name || t('product');
  $('name').textContent = info.name || t('product');
  const badge = [info.dev && t('dev'), info.simulated && t('simulated')].filter(Boolean).join(' · ');
  $('badge').textContent = badge;
  $('badge').hidden = !badge;
  $('sim-ring').hidden = !info.simulated || !allowed('admin');
  $('sign-out').hidden = Boolean(info.dev);

  camera = h('edge-cam', { src: '/whep', label: info.name || t('product'), talk: allowed('talk') && info.talk !== false, door: Boolean(info.door) && allowed('open') }, ...(allowed('talk') && info.talk !== false ? [turnsButton] : []), statsButton);
  camera.addEventListener('edgecam-floor', (e) => turnsButton.setAttribute('aria-pressed', String(e.detail.duplex === 'half')));
  camera.addEventListener('edgecam-state', (e) => showState(e.detail));
  camera.addEventListener('edgecam-stats', (e) => panel.update(e.detail));
  camera.addEventListener('edgecam-ring', (e) => ring.ring(e.detail.at));
  camera.addEventListener('edgecam-call', (e) => { if (e.detail.state !== 'ringing' && e.detail.state !== 'busy') ring.dismiss(); });
  camera.addEventListener('edgecam-talk', (e) => { if (e.detail.talking) ring.dismiss(); });
  camera.addEventListener('edgecam-error', (e) => { if (e.detail.code === 'unauthorized') signIn(); });
  $('stage').replaceChildren(camera);
}

function removeCamera() {
  camera?.remove();
  camera = null;
  ring.dismiss();
  toggleStats(false);
}

async function signIn(error) {
  removeCamera();
  document.body.dataset.view = 'login';
  showState({ state: 'denied', text: t('denied') });
  await showLogin($('login'), { name: info?.name, error });
  start();
}

/** The QR code's address carries the secret in its fragment, which never leaves the browser by itself. */
async function secretFromAddress() {
  const secret = new URLSearchParams(location.hash.slice(1)).get('secret');
  if (!secret) return '';
  history.replaceState(null, '', location.pathname + location.search);
  try {
    await api.login(secret);
    return '';
  } catch (error) {
    return error.status === 401 ? t('loginWrong') : error.message;
  }
}

async function start(loginError = '') {
  try {
    info = await api.status();
  } catch (error) {
    showState({ state: 'offline', text: error.message });
    setTimeout(() => start(loginError), 2000);
    return;
  }
  if (info === null) signIn(loginError);
  else showCamera();
}

action('help', 'help', t('help'), openHelp);
action('sign-out', 'signOut', t('signOut'), async () => {
  await api.logout().catch(() => {});
  info = null;
  signIn();
});
action('sim-ring', 'press', t('simRing'), () => api.pressButton().catch((error) => camera?.note(error.message)), t('simRing'));
setUpNotify();
addEventListener('hashchange', async () => { if (location.hash.startsWith('#secret=')) start(await secretFromAddress()); });
start(await secretFromAddress());
