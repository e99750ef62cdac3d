// The statistics panel: what getStats says of the last second.

import { icon } from '../edgecam/icons.js';
import { h } from '../edgecam/view.js';
import { t } from '../texts.js';

const historySeconds = 60;
const none = () => t('statNone');
const number = (v, digits = 0) => (v === null || v === undefined || !Number.isFinite(v) ? null : v.toLocaleString([], { maximumFractionDigits: digits, minimumFractionDigits: digits }));
const unit = (v, u, digits) => { const n = number(v, digits); return n === null ? none() : `${n} ${u}`; };
const bits = (bps) => (bps === null || bps === undefined ? none() : bps >= 1e6 ? unit(bps / 1e6, 'Mbit/s', 2) : unit(bps / 1000, 'kbit/s'));
const percent = (ratio) => (ratio === null || ratio === undefined ? none() : unit(100 * ratio, '%', 1));
const duration = (s) => {
  const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, Math.floor(s) % 60];
  return parts.map((p, i) => (i ? String(p).padStart(2, '0') : p)).join(':');
};

const groups = [
  ['statPicture', [
    ['statResolution', (s) => (s.video.width ? `${s.video.width} × ${s.video.height}` : none())],
    ['statFps', (s) => unit(s.video.framesPerSecond, 'fps', 1)],
    ['statCodec', (s) => s.video.codec ?? none()],
    ['statDecoder', (s) => s.video.decoder ?? none()],
    ['statBuffer', (s) => unit(s.video.bufferMs, 'ms', 1)],
    ['statDecode', (s) => unit(s.video.decodeMs, 'ms', 1)],
    ['statJitter', (s) => unit(s.video.jitterMs, 'ms', 1)],
    ['statLost', (s) => number(s.video.packetsLost) ?? none()],
    ['statNack', (s) => number(s.video.nackCount) ?? none()],
    ['statPli', (s) => number(s.video.pliCount) ?? none()],
    ['statFreezes', (s) => (s.video.freezeCount === null ? none() : `${s.video.freezeCount} (${number(s.video.freezeSeconds ?? 0, 1)} s)`)],
  ]],
  ['statSound', [
    ['statCodec', (s) => s.audio.codec ?? none()],
    ['statBitrate', (s) => bits(s.audio.bitrateBps)],
    ['statBuffer', (s) => unit(s.audio.bufferMs, 'ms')],
    ['statJitter', (s) => unit(s.audio.jitterMs, 'ms', 1)],
    ['statLoss', (s) => percent(s.audio.lossRatio)],
    ['statConcealed', (s) => percent(s.audio.concealedRatio)],
    ['statLevel', (s) => (s.audio.level > 0 ? unit(20 * Math.log10(s.audio.level), 'dBFS') : none())],
    ['statTalk', (s) => bits(s.talk.bitrateBps)],
  ]],
  ['statConnection', [
    ['statRtt', (s) => unit(s.rttMs, 'ms', 1)],
    ['statProtocol', (s) => s.path.protocol?.toUpperCase() ?? none()],
    ['statPath', (s) => (s.path.localType ? `${s.path.localType} ↔ ${s.path.remoteType}` : none())],
    ['statLocal', (s) => s.path.local ?? none()],
    ['statRemote', (s) => s.path.remote ?? none()],
    ['statUp', (s) => duration(s.seconds)],
  ]],
];

const figures = [
  ['delay', 'statDelay', (s) => unit(s.delayMs, 'ms'), (s) => s.delayMs],
  ['bitrate', 'statBitrate', (s) => bits(s.video.bitrateBps), (s) => s.video.bitrateBps],
  ['fps', 'statFps', (s) => unit(s.video.framesPerSecond, 'fps'), (s) => s.video.framesPerSecond],
  ['loss', 'statLoss', (s) => percent(s.video.lossRatio), (s) => (s.video.lossRatio ?? 0) * 100],
];

const svgNS = 'http://www.w3.org/2000/svg';

/** Line is a figure's last minute, drawn from 0 to the largest value seen. */
class Line {
  #values = [];
  constructor() {
    this.svg = document.createElementNS(svgNS, 'svg');
    this.svg.setAttribute('preserveAspectRatio', 'none');
    this.svg.setAttribute('aria-hidden', 'true');
    this.line = document.createElementNS(svgNS, 'polyline');
    this.svg.append(this.line);
  }

  add(value) {
    if (value === null && this.#values.length === 0) return;
    this.#values.push(value ?? 0);
    if (this.#values.length > historySeconds) this.#values.shift();
    const top = Math.max(...this.#values, 1e-9);
    // At first a short time is drawn wide; then it runs.
    const width = Math.max(15, this.#values.length) - 1;
    this.svg.setAttribute('viewBox', `0 0 ${width} 28`);
    const x0 = width + 1 - this.#values.length;
    this.line.setAttribute('points', this.#values.map((v, i) => `${x0 + i},${(26 - (24 * v) / top).toFixed(1)}`).join(' '));
  }
}

export class StatsPanel {
  #aside;
  #rows = [];
  #figures = [];

  constructor(aside, onClose) {
    this.#aside = aside;
    const close = h('button', { type: 'button', class: 'plain', 'aria-label': t('close'), onclick: onClose }, icon('close'));
    aside.append(h('header', {}, h('h2', { id: 'stats-title' }, t('statistics')), close));
    const grid = h('div', { class: 'figures' });
    for (const [key, label, text, value] of figures) {
      const line = new Line();
      const b = h('b', { 'data-figure': key }, none());
      grid.append(h('div', { class: 'figure' }, h('span', {}, t(label)), b, line.svg));
      this.#figures.push({ b, line, text, value });
    }
    aside.append(grid, h('p', { class: 'small' }, t('statDelayNote')));
    for (const [title, rows] of groups) {
      const dl = h('dl');
      for (const [label, text] of rows) {
        const dt = h('dt', {}, t(label));
        const dd = h('dd', {}, none());
        dl.append(dt, dd);
        this.#rows.push({ dt, dd, text, optional: label === 'statDecoder' });
      }
      aside.append(h('h3', {}, t(title)), dl);
    }
  }

  /** update takes the sample of an edgecam-stats event. */
  update(sample) {
    for (const f of this.#figures) f.line.add(f.value(sample));
    if (this.#aside.hidden) return;
    for (const f of this.#figures) f.b.textContent = f.text(sample);
    for (const r of this.#rows) {
      r.dd.textContent = r.text(sample);
      // Browsers tell the decoder only to pages that have the microphone.
      if (r.optional) r.dt.hidden = r.dd.hidden = r.dd.textContent === none();
    }
  }
}
