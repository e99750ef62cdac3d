// <edge-cam>: a camera's live picture and sound, with talk-back and door release.
//
//   <script type="module" src="https://node/edgecam.js"></script>
//   <edge-cam src="https://node/whep" token="…" talk door></edge-cam>
//
// Attributes: src (WHEP endpoint, or the wss: address of an MQTT broker), token
// (bearer token, without one the session cookie is used; with a broker its
// password), user and grant (with a broker: user name, and what "edgecam fleet
// grant" printed), talk (talk-back), door (door release), muted, controls="none",
// label (name for screen readers), manual (do not connect by itself), duplex
// ("half": one talks at a time; "full"; without it, as the node is set).
// Property signalling: the page's own way to the node, instead of src.
// Events: edgecam-state, edgecam-ring, edgecam-door, edgecam-talk, edgecam-error,
// edgecam-stats, edgecam-floor, edgecam-voice, edgecam-call. Methods: connect, disconnect, startTalk, stopTalk, mute,
// snapshot, openDoor, fullscreen. Browsers: Chromium 116, Firefox 124, Safari 17.4.

import { holdToConfirm } from './edgecam/hold.js';
import { swapIcon } from './edgecam/icons.js';
import { BrokerSignalling } from './edgecam/broker.js';
import { publicKey } from './edgecam/dialog.js';
import { Link } from './edgecam/link.js';
import { Meter } from './edgecam/stats.js';
import { Talk } from './edgecam/talk.js';
import { bindTalkButton } from './edgecam/talkbutton.js';
import { build } from './edgecam/view.js';
import { viewerKey } from './edgecam/viewerkey.js';
import { WhepError, WhepSignalling } from './edgecam/whep.js';
import { t, texts } from './texts.js';

export { BrokerSignalling, WhepError, WhepSignalling, publicKey, texts, viewerKey };

const doorHoldMs = 800;
const doorAnswerMs = 5_000;
const noteMs = 4_000;
const stallMs = 2_500;

export class EdgeCam extends HTMLElement {
  static observedAttributes = ['src', 'token', 'user', 'grant', 'talk', 'door', 'muted', 'controls', 'label', 'duplex'];

  #v;
  #link = null;
  #meter = new Meter();
  #talk;
  #clock = 0;
  #noteTimer = 0;
  #frameAt = 0;
  #frames = 0;
  #state = 'idle';
  #until = 0;
  #why = '';
  #wantSound = true;
  #device = { viewers: null, talker: null, door: null, you: null };
  #floor = { talker: null, you: false, duplex: null };
  #doorWaits = new Map();
  #pressDoor;

  constructor() {
    super();
    this.#v = build(this.attachShadow({ mode: 'open' }));
    this.#talk = new Talk(() => this.#link, {
      changed: (state, mode) => this.#talkChanged(state, mode),
      failed: (key, values) => this.#complain(key, values),
      ready: () => this.note(t('micReady')),
    });
    this.#bind();
  }

  // ---- attributes and life in the document

  connectedCallback() {
    addEventListener('pagehide', this.#pageHide);
    addEventListener('pageshow', this.#pageShow);
    document.addEventListener('fullscreenchange', this.#showFullscreen);
    this.#applyAttributes();
    this.#render();
    if (!this.hasAttribute('manual')) this.connect();
  }

  disconnectedCallback() {
    removeEventListener('pagehide', this.#pageHide);
    removeEventListener('pageshow', this.#pageShow);
    document.removeEventListener('fullscreenchange', this.#showFullscreen);
    this.disconnect();
  }

  attributeChangedCallback(name, before, now) {
    if (!this.isConnected || before === now) return;
    this.#applyAttributes();
    if (name === 'duplex') this.#choose(now ?? '');
    // A new address, token or right to talk needs a new session; the rest is only shown.
    if (['src', 'token', 'user', 'grant', 'talk'].includes(name) && this.#link) {
      this.disconnect();
      this.connect();
    }
  }

  #applyAttributes() {
    const v = this.#v;
    const talk = this.hasAttribute('talk');
    const none = this.getAttribute('controls') === 'none';
    v.dock.hidden = none;
    v.talk.hidden = v.openMic.hidden = !talk;
    v.door.hidden = !this.hasAttribute('door');
    v.dock.classList.toggle('solo', !talk && v.door.hidden);
    v.video.setAttribute('aria-label', this.getAttribute('label') || t('video'));
    if (this.hasAttribute('muted')) this.#wantSound = false;
  }

  // ---- public

  /** state is one of idle, connecting, live, stalled, reconnecting, waiting, offline, denied, failed, closed. */
  get state() { return this.#state; }
  get talking() { return this.#talk.state === 'on'; }
  get muted() { return this.#v.video.muted; }
  get video() { return this.#v.video; }
  get device() { return { ...this.#device }; }

  /** stateText says the state in words. */
  get stateText() {
    return t(this.#state, { seconds: Math.max(1, Math.ceil((this.#until - Date.now()) / 1000)) });
  }

  /**
   * signalling, if set before connect, is the page's own: an object with session(),
   * which returns one with open, trickle, restart and close, and with close().
   */
  signalling = null;

  #way() {
    if (this.signalling) return this.signalling;
    const src = this.getAttribute('src');
    if (!src) return null;
    const { href: url, protocol } = new URL(src, document.baseURI);
    const token = this.getAttribute('token') ?? '';
    if (protocol !== 'wss:' && protocol !== 'ws:') return new WhepSignalling({ url, token });
    return new BrokerSignalling({ url, username: this.getAttribute('user') ?? '', password: token, grant: this.getAttribute('grant') ?? '' });
  }

  connect() {
    const signalling = this.#link ? null : this.#way();
    if (!signalling) return;
    this.#link = new Link({ signalling, talk: this.hasAttribute('talk') }, {
      state: (state, detail) => this.#linkState(state, detail),
      track: (e) => this.#track(e),
      message: (m) => this.#message(m),
      error: (e) => this.#linkError(e),
      leaving: () => { this.#frames = 0; },
    });
    this.#clock = setInterval(() => this.#tick(), 1000);
    this.#link.connect();
  }

  disconnect() {
    if (!this.#link) return;
    clearInterval(this.#clock);
    this.#talk.release();
    const link = this.#link;
    link.close();
    this.#link = null;
    this.#v.video.srcObject = null;
    this.#hasStill = false;
    this.#frameAt = this.#frames = 0;
    this.#state = 'closed';
    this.#render();
  }

  /** startTalk opens the microphone: 'hold' while a button is held, 'open' until stopTalk. */
  startTalk(mode = 'hold') { return this.#talk.start(mode); }
  stopTalk() { this.#talk.stop(); }
  toggleOpenMic() {
    if (this.#talk.mode === 'open') this.#talk.stop();
    else this.#talk.start('open');
  }

  /** mute switches the device's sound off or on; without an argument it toggles. */
  mute(off = !this.#v.video.muted) {
    this.#wantSound = !off;
    this.#v.video.muted = off;
    if (!off) this.#v.video.play().catch(() => {});
    this.#showSound();
  }

  /** snapshot resolves to the picture that is on the screen, as a Blob; null if there is none. */
  async snapshot({ type = 'image/jpeg', quality = 0.92 } = {}) {
    const { video } = this.#v;
    if (!video.videoWidth || this.#frames === 0) return null;
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext('2d').drawImage(video, 0, 0);
    return new Promise((resolve) => canvas.toBlob(resolve, type, quality));
  }

  /** openDoor resolves when the device says that the door is released, and rejects with its words otherwise. */
  async openDoor() {
    const link = this.#link;
    this.#showDoor('doorSending');
    let failure = null;
    try {
      const id = globalThis.crypto?.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
      if (!link?.send({ type: 'door', id, action: 'open' })) throw new Error(t('talkNotConnected'));
      await new Promise((resolve, reject) => {
        const timer = setTimeout(() => { this.#doorWaits.delete(id); reject(new Error(t('doorNoAnswer'))); }, doorAnswerMs);
        this.#doorWaits.set(id, (ok, error) => { clearTimeout(timer); ok ? resolve() : reject(new Error(error || t('doorNoAnswer'))); });
      });
    } catch (error) {
      failure = error;
    }
    this.#showDoor();
    this.#emit('door', { ok: !failure, error: failure?.message ?? '' });
    if (failure) {
      this.#complain('doorFailed', { error: failure.message });
      throw failure;
    }
    this.note(t('doorOpened'));
  }

  /** holdDoor presses or lets go of the door button, for a page's keyboard shortcut. */
  holdDoor(pressed) { if (!this.#v.door.hidden) this.#pressDoor(pressed); }

  /** fullscreen toggles full screen; telephones that have it for no element get the whole window. */
  async fullscreen(on = !this.#isFullscreen()) {
    const { root } = this.#v;
    if (root.requestFullscreen) {
      if (on) await root.requestFullscreen({ navigationUI: 'hide' }).catch(() => {});
      else if (document.fullscreenElement) await document.exitFullscreen().catch(() => {});
    } else root.classList.toggle('standin', on);
    this.#showFullscreen();
  }

  /** note shows a short message over the picture, and says it to screen readers. */
  note(text) {
    const { note, polite } = this.#v;
    clearTimeout(this.#noteTimer);
    note.textContent = polite.textContent = text;
    note.hidden = false;
    this.#noteTimer = setTimeout(() => { note.hidden = true; polite.textContent = ''; }, noteMs);
  }

  // ---- the session

  #linkState(state, detail = {}) {
    if (detail.until) this.#until = detail.until;
    if (detail.error) this.#why = this.#words(detail.error);
    if (state === 'connected') {
      this.#why = '';
      if (this.#frames === 0) this.#frameAt = performance.now();
      this.#talk.resume();
    } else if (state !== 'reconnecting') this.#talk.lost();
    if (state !== 'connected') {
      this.#floor = { talker: null, you: false, duplex: null };
      this.#v.mute.removeAttribute('data-heard');
    }
    this.#settle();
  }

  #linkError(error) {
    this.#why = this.#words(error);
    this.#emit('error', { code: error.status === 401 || error.status === 403 ? 'unauthorized' : 'connection', status: error.status ?? 0, message: this.#why });
  }

  #words(error) {
    const known = `error${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}`;
    if (texts[known]) return t(known);
    return error.message || t('errorStatus', { status: error.status });
  }

  /** settle derives the state that is shown from the link's and from whether frames come. */
  #settle() {
    const link = this.#link?.state ?? 'closed';
    let state = link;
    if (link === 'connected') {
      if (this.#frames === 0) state = performance.now() - this.#frameAt < stallMs ? 'connecting' : 'stalled';
      else state = performance.now() - this.#frameAt < stallMs || document.visibilityState === 'hidden' ? 'live' : 'stalled';
    }
    const changed = state !== this.#state;
    this.#state = state;
    this.#render();
    if (changed) this.#emit('state', { state, text: this.stateText, why: this.#why });
  }

  #track({ track, streams }) {
    const { video } = this.#v;
    const stream = video.srcObject instanceof MediaStream && video.srcObject.active ? video.srcObject : new MediaStream();
    for (const old of stream.getTracks()) if (old.kind === track.kind) stream.removeTrack(old);
    stream.addTrack(track);
    if (video.srcObject !== stream) {
      this.#frames = 0;
      video.srcObject = stream;
      this.#meter.reset();
    }
    if (track.kind === 'video') this.#watchFrames();
    this.#play(streams);
  }

  #watchFrames() {
    const { video } = this.#v;
    const seen = () => {
      this.#frameAt = performance.now();
      this.#frames++;
      if (this.#state !== 'live') this.#settle();
    };
    if (!video.requestVideoFrameCallback) {
      video.ontimeupdate = seen;
      return;
    }
    if (this.#watching) return;
    this.#watching = true;
    const next = () => { seen(); video.requestVideoFrameCallback(next); };
    video.requestVideoFrameCallback(next);
  }

  #watching = false;

  /**
   * keepStill copies the picture once a second while it is live. Browsers paint
   * the video black when its track stalls, too early to ask for a copy then.
   */
  #keepStill() {
    const { video, still } = this.#v;
    if (this.#state !== 'live' || !video.videoWidth || document.visibilityState === 'hidden') return;
    if (still.width !== video.videoWidth || still.height !== video.videoHeight) {
      still.width = video.videoWidth;
      still.height = video.videoHeight;
    }
    still.getContext('2d', { alpha: false }).drawImage(video, 0, 0);
    this.#hasStill = true;
  }

  #hasStill = false;

  /** play starts with sound; where the browser forbids that before a gesture, without, and offers it. */
  async #play() {
    const { video } = this.#v;
    video.muted = !this.#wantSound;
    try {
      await video.play();
    } catch (error) {
      if (error.name === 'NotAllowedError' && !video.muted) {
        video.muted = true;
        await video.play().catch(() => {});
      }
    }
    this.#showSound();
  }

  #message(m) {
    switch (m.type) {
      case 'ring':
        this.#emit('ring', { at: Number(m.at) || Date.now() });
        break;
      case 'call':
        this.#emit('call', { state: String(m.state), by: m.by ? String(m.by) : null, you: m.you === true, at: Number(m.at) || null });
        if (m.state === 'answered-elsewhere') this.note(t('callAnswered', { name: m.by ? String(m.by) : '' }));
        if (m.state === 'missed') this.note(t('callMissed'));
        break;
      case 'state':
        this.#device = { viewers: Number(m.viewers) || 0, talker: m.talker ? String(m.talker) : null, door: m.door ?? null, you: m.you ?? this.#device.you };
        if (m.you) this.#choose(); // the channel has just opened
        this.#showDevice();
        this.#emit('state', { state: this.#state, text: this.stateText, why: this.#why, device: this.device });
        break;
      case 'floor':
        this.#floor = { talker: m.talker ? String(m.talker) : null, you: m.you === true, duplex: m.duplex === 'half' ? 'half' : 'full' };
        this.#showDevice();
        this.#emit('floor', { ...this.#floor });
        break;
      case 'duplex':
        if (m.ok === false) this.#complain('talkRefused', { error: m.error ? String(m.error) : '' });
        break;
      case 'voice':
        this.#v.mute.toggleAttribute('data-heard', m.visitor === true);
        this.#emit('voice', { visitor: m.visitor === true });
        break;
      case 'door':
        this.#doorWaits.get(m.id)?.(m.ok === true, m.error ? String(m.error) : '');
        this.#doorWaits.delete(m.id);
        break;
      case 'talk':
        if (m.ok === false) {
          this.#talk.lost();
          this.#complain('talkRefused', { error: m.error ? String(m.error) : '' });
        }
        break;
      default: // a newer device may say more
    }
  }

  /** choose asks the node to hold this call as the attribute duplex says. */
  #choose(duplex = this.getAttribute('duplex')) {
    if (duplex !== null) this.#link?.send({ type: 'duplex', duplex });
  }

  async #tick() {
    const pc = this.#link?.pc;
    if (pc && pc.connectionState !== 'closed') {
      try {
        const sample = await this.#meter.read(pc);
        if (pc !== this.#link?.pc) return;
        this.#link.received(sample.bytesReceived);
        this.#emit('stats', sample);
      } catch {
        // The connection was closed under the request.
      }
    }
    this.#settle();
    this.#keepStill();
    if (this.#state === 'waiting') this.#emit('state', { state: this.#state, text: this.stateText, why: this.#why });
  }

  #pageHide = () => { this.#resumeOnShow = this.#link !== null; this.disconnect(); };
  #pageShow = (e) => { if (e.persisted && this.#resumeOnShow) this.connect(); };
  #resumeOnShow = false;

  // ---- what is seen

  #bind() {
    const v = this.#v;
    v.retry.onclick = () => { this.#link ? this.#link.retry() : this.connect(); };
    v.tap.onclick = () => this.mute(false);
    v.mute.onclick = () => this.mute();
    v.openMic.onclick = () => this.toggleOpenMic();
    v.fullscreen.onclick = () => this.fullscreen();
    v.snapshot.onclick = () => this.saveSnapshot();
    v.video.onresize = () => {
      if (v.video.videoWidth) v.frame.style.setProperty('--ratio', (v.video.videoWidth / v.video.videoHeight).toFixed(4));
    };
    v.video.onvolumechange = () => this.#showSound();
    bindTalkButton(v.talk, { start: (mode) => this.#talk.start(mode), stop: () => this.#talk.stop(), mode: () => this.#talk.mode });
    this.#pressDoor = holdToConfirm(v.door, doorHoldMs, {
      progress: (p) => { v.door.style.setProperty('--hold', p.toFixed(3)); if (p > 0) v.doorText.textContent = t('doorHolding'); },
      cancel: () => this.#showDoor(),
      again: () => { this.#showDoor('doorAgain'); v.polite.textContent = t('doorAgain'); },
      done: () => this.openDoor().catch(() => {}),
    });
  }

  /** saveSnapshot downloads the picture that is on the screen. */
  async saveSnapshot() {
    const blob = await this.snapshot();
    if (!blob) { this.#complain('snapshotNone'); return; }
    const name = (this.getAttribute('label') || 'edgecam').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '');
    const now = new Date();
    const stamp = new Date(now - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace(/:/g, '').replace('T', '-');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `${name || 'edgecam'}-${stamp}.jpg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    this.note(t('snapshotSaved'));
  }

  #render() {
    const v = this.#v;
    const state = this.#state;
    v.root.dataset.state = state;
    v.veil.toggleAttribute('data-off', state === 'live');
    v.still.hidden = state === 'live' || !this.#hasStill;
    v.veil.classList.toggle('over', !v.still.hidden);
    v.chips.classList.toggle('away', state !== 'live');
    v.spin.hidden = !['connecting', 'reconnecting', 'stalled'].includes(state);
    v.veilIcon.toggleAttribute('hidden', !v.spin.hidden);
    v.retry.hidden = !['waiting', 'offline', 'failed', 'closed'].includes(state);
    v.retry.tabIndex = state === 'live' ? -1 : 0;
    if (state !== 'live') {
      v.veilText.textContent = this.stateText;
      v.veilWhy.textContent = this.#why;
    }
    const off = state !== 'live' && state !== 'stalled';
    v.talk.setAttribute('aria-disabled', String(off));
    v.openMic.setAttribute('aria-disabled', String(off));
    v.door.setAttribute('aria-disabled', String(!this.#link?.open));
    v.snapshot.setAttribute('aria-disabled', String(this.#frames === 0));
  }

  #showSound() {
    const v = this.#v;
    const off = v.video.muted;
    v.tap.hidden = !(off && this.#wantSound);
    v.mute.setAttribute('aria-pressed', String(!off));
    v.muteText.textContent = off ? t('muted') : t('mute');
    swapIcon(v.mute, off ? 'soundOff' : 'sound');
  }

  #talkChanged(state, mode) {
    const v = this.#v;
    const live = state === 'on';
    v.talk.setAttribute('aria-pressed', String(live));
    v.openMic.setAttribute('aria-pressed', String(live && mode === 'open'));
    if (state === 'starting') v.polite.textContent = t('talkStarting');
    this.#showDevice();
    this.#emit('talk', { talking: live, mode: live ? mode : null });
  }

  #showDevice() {
    const v = this.#v;
    const { talker, you } = this.#device;
    const mine = this.#talk.state === 'on';
    // The device goes on naming this viewer for a moment after it has stopped.
    if (mine) this.#echoOfMine = true;
    else if (talker !== you) this.#echoOfMine = false;
    const floor = this.#floor;
    // Half duplex: somebody else has the floor, and what is said here is not heard.
    const waits = mine && floor.duplex === 'half' && floor.talker !== null && !floor.you;
    const other = waits ? floor.talker : talker && !mine && !this.#echoOfMine ? talker : null;
    v.root.toggleAttribute('data-talking', mine && !waits);
    v.talk.toggleAttribute('data-live', mine && !waits);
    v.talk.toggleAttribute('data-wait', waits || this.#talk.state === 'starting');
    v.talkText.textContent = waits ? t('talkWait') : mine ? t('openMicOnShort') : t('talkShort');
    v.talker.hidden = !other;
    v.talkerText.textContent = other === null ? '' : other === you ? t(waits ? 'sameHasFloor' : 'sameTalking') : t(waits ? 'otherHasFloor' : 'otherTalking', { name: other });
    this.#say('talk', mine && !waits ? t(this.#talk.mode === 'open' ? 'openMicOn' : 'talking') : v.talkerText.textContent);
    this.#showDoor();
  }

  /** say tells screen readers something once, until it changes. */
  #say(subject, text) {
    if (this.#said.get(subject) === text) return;
    this.#said.set(subject, text);
    if (text) this.#v.polite.textContent = text;
  }

  #said = new Map();
  #echoOfMine = false;

  #showDoor(key) {
    const v = this.#v;
    const open = this.#device.door === 'released';
    v.door.toggleAttribute('data-open', open && !key);
    v.doorText.textContent = t(key ?? (open ? 'doorOpened' : 'door'));
    swapIcon(v.door, open && !key ? 'check' : 'door');
    if (!key) v.door.style.setProperty('--hold', '0');
    v.door.setAttribute('aria-disabled', String(!this.#link?.open));
  }

  #isFullscreen() { return this.shadowRoot.fullscreenElement !== null || this.#v.root.classList.contains('standin'); }

  #showFullscreen = () => {
    const v = this.#v;
    const on = this.#isFullscreen();
    v.fullscreen.setAttribute('aria-pressed', String(on));
    v.fullscreen.lastElementChild.textContent = t(on ? 'exitFullscreen' : 'fullscreen');
    swapIcon(v.fullscreen, on ? 'shrink' : 'fullscreen');
  };

  /** complain shows a failure, says it at once to screen readers, and tells the page. */
  #complain(key, values) {
    const text = t(key, values);
    this.note(text);
    this.#v.polite.textContent = '';
    this.#v.alert.textContent = text;
    setTimeout(() => { this.#v.alert.textContent = ''; }, noteMs);
    this.#emit('error', { code: key, status: 0, message: text });
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`edgecam-${name}`, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get('edge-cam')) customElements.define('edge-cam', EdgeCam);
