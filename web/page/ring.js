// The doorbell: a banner, a chime, the tab's title, and a notification when the
// page is not looked at.

import { icon } from '../edgecam/icons.js';
import { h } from '../edgecam/view.js';
import { t } from '../texts.js';

const bannerMs = 45_000;

/** Chime plays ding-dong: two struck bars, each a fundamental and two overtones that die away. */
export class Chime {
  #context = null;

  /** unlock must be called from a user's gesture; browsers give no sound before one. */
  unlock() {
    this.#context ??= 'AudioContext' in globalThis ? new AudioContext({ latencyHint: 'interactive' }) : null;
    this.#context?.resume().catch(() => {});
  }

  /** play resolves to whether it can be heard. */
  async play() {
    this.unlock();
    const c = this.#context;
    if (!c) return false;
    if (c.state !== 'running') await Promise.race([c.resume().catch(() => {}), new Promise((r) => setTimeout(r, 200))]);
    if (c.state !== 'running') return false;
    const out = c.createGain();
    out.gain.value = 0.35;
    out.connect(c.destination);
    const start = c.currentTime + 0.02;
    for (const [hz, at] of [[659.26, 0], [523.25, 0.55], [659.26, 1.7], [523.25, 2.25]]) {
      for (const [multiple, level, seconds] of [[1, 1, 1.6], [2.76, 0.28, 0.7], [5.4, 0.1, 0.35]]) {
        const tone = c.createOscillator();
        const gain = c.createGain();
        tone.frequency.value = hz * multiple;
        gain.gain.setValueAtTime(0, start + at);
        gain.gain.linearRampToValueAtTime(level, start + at + 0.006);
        gain.gain.exponentialRampToValueAtTime(0.0005, start + at + seconds);
        tone.connect(gain).connect(out);
        tone.start(start + at);
        tone.stop(start + at + seconds + 0.05);
      }
    }
    return true;
  }
}

export class Ring {
  #section;
  #chime = new Chime();
  #timer = 0;
  #flash = 0;
  #title = document.title;
  #name = '';
  #notification = null;

  /** answer is called when the user takes the call; canAnswer says whether to offer it. */
  constructor(section, { answer, canAnswer }) {
    this.#section = section;
    this.answer = answer;
    this.canAnswer = canAnswer;
    for (const type of ['pointerdown', 'keydown']) addEventListener(type, () => this.#chime.unlock(), { once: true, capture: true });
  }

  set name(name) {
    this.#name = name;
    this.#title = document.title = name && name !== t('product') ? `${name} – ${t('product')}` : t('product');
  }

  ring(at) {
    const time = new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
    const dismiss = h('button', { type: 'button', class: 'button' }, t('ringDismiss'));
    dismiss.onclick = () => this.dismiss();
    const choice = h('div', { class: 'choice' }, dismiss);
    if (this.canAnswer()) {
      const answer = h('button', { type: 'button', class: 'button main' }, t('ringAnswer'));
      answer.onclick = () => { this.dismiss(); this.answer(); };
      choice.append(answer);
    }
    this.#section.replaceChildren(
      h('div', { class: 'bell' }, icon('bell')),
      h('div', { class: 'what' }, h('b', {}, t('ringTitle')), h('span', {}, t('ringAt', { time }))),
      choice);
    this.#section.hidden = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.dismiss(), bannerMs);
    this.#flashTitle();
    this.#chime.play().then((heard) => { this.#section.dataset.chime = heard ? 'heard' : 'silent'; });
    this.#notify(time);
  }

  get ringing() { return !this.#section.hidden; }

  dismiss() {
    clearTimeout(this.#timer);
    clearInterval(this.#flash);
    this.#notification?.close();
    this.#section.hidden = true;
    document.title = this.#title;
  }

  #flashTitle() {
    clearInterval(this.#flash);
    const call = t('ringPageTitle', { name: this.#name });
    document.title = call;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    this.#flash = setInterval(() => { document.title = document.title === call ? this.#title : call; }, 1000);
  }

  #notify(time) {
    if (!('Notification' in globalThis) || Notification.permission !== 'granted' || document.visibilityState === 'visible') return;
    try {
      this.#notification = new Notification(t('ringTitle'), { body: `${this.#name} · ${t('ringAt', { time })}`, tag: 'edgecam-ring', renotify: true, requireInteraction: true, icon: 'favicon.svg' });
      this.#notification.onclick = () => { focus(); this.#notification?.close(); };
    } catch {
      // Telephones give notifications to service workers only; banner and chime remain.
    }
  }
}
