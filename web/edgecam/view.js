// The element's inner tree. Everything is built with DOM calls and text nodes:
// no markup is ever parsed, so nothing from the network can become markup.

import { icon } from './icons.js';
import { adopt } from './style.js';
import { t } from '../texts.js';

/** h makes an element: h('button', {class: 'x', onclick: fn}, children…). */
export function h(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') el[name] = value;
    else if (value === true) el.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) el.setAttribute(name, value);
  }
  el.append(...children.filter((c) => c !== null && c !== undefined));
  return el;
}

const tool = (name, iconName, text, more = {}) =>
  h('button', { type: 'button', class: `tool ${name}`, part: `button ${name}`, ...more }, icon(iconName), h('span', {}, text));

/** build fills a shadow root and returns its parts by name. */
export function build(root) {
  adopt(root);
  const v = {};
  v.video = h('video', { part: 'video', playsinline: true, autoplay: true, disablepictureinpicture: true, 'aria-label': t('video') });
  v.still = h('canvas', { class: 'still', hidden: true, 'aria-hidden': 'true' });
  v.spin = h('div', { class: 'spin', 'aria-hidden': 'true' });
  v.veilIcon = icon('lensOff');
  v.veilText = h('p');
  v.veilWhy = h('p', { class: 'why' });
  v.retry = h('button', { type: 'button', class: 'retry', part: 'retry' }, t('retry'));
  v.veil = h('div', { class: 'veil', part: 'veil' }, v.spin, v.veilIcon, v.veilText, v.veilWhy, v.retry);
  v.tap = h('button', { type: 'button', class: 'chip', part: 'tap', hidden: true }, icon('sound'), h('span', {}, t('tapForSound')));
  v.talkerText = h('span');
  v.talker = h('div', { class: 'chip', part: 'talker', hidden: true }, icon('mic'), v.talkerText);
  v.note = h('div', { class: 'chip', part: 'note', hidden: true });
  v.chips = h('div', { class: 'chips' }, v.talker, v.note, v.tap);
  v.frame = h('div', { class: 'frame', part: 'frame' }, v.video, v.still, v.veil, v.chips);
  v.stage = h('div', { class: 'stage', part: 'stage' }, v.frame);

  v.talkText = h('span', {}, t('talkShort'));
  v.talk = h('button', { type: 'button', class: 'talk', part: 'button talk', 'aria-label': t('talk'), title: t('talkHint'), 'aria-pressed': 'false' }, icon('mic'), v.talkText);
  v.openMic = tool('open-mic', 'micOpen', t('openMic'), { 'aria-pressed': 'false' });
  v.mute = tool('mute', 'sound', t('mute'), { 'aria-pressed': 'true' });
  v.muteText = v.mute.querySelector('span');
  v.voice = h('div', { class: 'voice' }, v.mute, v.talk, v.openMic);
  v.doorText = h('span', {}, t('door'));
  v.door = h('button', { type: 'button', class: 'door', part: 'button door', hidden: true }, icon('door'), v.doorText);
  v.snapshot = tool('snapshot', 'snapshot', t('snapshot'));
  v.fullscreen = tool('fullscreen', 'fullscreen', t('fullscreen'), { 'aria-pressed': 'false' });
  v.tools = h('div', { class: 'tools' }, v.snapshot, v.fullscreen, h('slot', { name: 'controls' }));
  v.dock = h('div', { class: 'dock', part: 'dock', role: 'group', 'aria-label': t('controls') }, v.voice, v.door, v.tools);

  // Two live regions that are always there: states are polite, failures interrupt.
  v.polite = h('div', { class: 'sr', role: 'status' });
  v.alert = h('div', { class: 'sr', role: 'alert' });
  v.root = h('div', { class: 'root', part: 'root' }, v.stage, v.dock, v.polite, v.alert);
  root.append(v.root);
  return v;
}
