// A node in a virtual machine, called from outside as its owner would: the
// camera's test picture, a tone at its sound card, a press of its button.

import { hearTones, stats } from '../probe.mjs';

// An emulated machine answers slowly.
const slowMs = 45_000;

async function owner(w) {
  const page = await w.page(`/#secret=${w.options.secret}`);
  w.measured.liveMs = await w.live(page, slowMs);
  return page;
}

/** bars reads the middles of the eight colour bars below the text that the camera writes. */
const bars = (page) => page.evaluate(() => {
  const { video } = document.querySelector('edge-cam');
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const g = canvas.getContext('2d', { willReadFrequently: true });
  g.drawImage(video, 0, 0);
  return [...Array(8).keys()].map((i) => [...g.getImageData(Math.floor(((2 * i + 1) * canvas.width) / 16), Math.floor((canvas.height * 5) / 6), 1, 1).data].slice(0, 3));
});

async function picture(w) {
  const page = await owner(w);
  const want = [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [0, 0, 0]];
  let seen;
  await w.until('the camera’s colour bars', slowMs, async () => {
    seen = await bars(page);
    return want.every((bar, i) => bar.every((v, c) => Math.abs(v - seen[i][c]) < 60));
  }).catch((e) => { throw new Error(`${e.message}; seen ${JSON.stringify(seen)}`); });
  const before = await page.evaluate(() => document.querySelector('edge-cam').video.getVideoPlaybackQuality().totalVideoFrames);
  await w.sleep(5000);
  const frames = (await page.evaluate(() => document.querySelector('edge-cam').video.getVideoPlaybackQuality().totalVideoFrames)) - before;
  w.measured.framesIn5s = frames;
  w.check(frames >= 10, `only ${frames} pictures in 5 s`);
  await w.shot(page, 'booted-page');
}

async function sound(w) {
  const page = await owner(w);
  let levels;
  await w.until('the tone at the sound card', slowMs, async () => {
    levels = await hearTones(page, 1000, [w.options.toneHz, w.options.toneHz * 1.7]);
    return levels[0] > -45 && levels[0] > levels[1] + 12;
  }).catch((e) => { throw new Error(`${e.message}; dBFS ${JSON.stringify(levels)}`); });
  w.measured.toneDbfs = +levels[0].toFixed(1);
  w.measured.elsewhereDbfs = +levels[1].toFixed(1);
  w.measured.audio = (await stats(page)).audio.codec;
}

async function ring(w) {
  const page = await owner(w);
  await page.mouse.click(640, 10); // sound is unlocked by a gesture
  const pressed = Date.now();
  await w.ask('ring');
  const banner = page.locator('#ring');
  await banner.waitFor({ state: 'visible', timeout: slowMs });
  w.measured.ringMs = Date.now() - pressed;
  w.check((await banner.textContent()).includes('Someone is at the door'), 'the banner says something else');
  await w.sleep(600);
  await w.shot(page, 'booted-ring');
}

export const scenarios = { picture, sound, ring };
