// The page of a node in development mode.

import { flowing, hear, speaker, stats, watch } from '../probe.mjs';
import { turns } from './echo.mjs';
import { codecs } from './codecs.mjs';
import { layout } from './layout.mjs';

const round = (v, digits = 1) => +v.toFixed(digits);
const audible = -60; // dBFS; silence is far below
const heardTone = -45; // dBFS of the tone in the node's speaker

async function live(w) {
  const started = Date.now();
  const page = await w.camera();
  w.measured.openToLiveMs = Date.now() - started;
  // A busy machine may starve a moment, a broken stream starves all.
  let seen;
  let clocks;
  let advanced;
  await w.until('four seconds of the picture', 30_000, async () => {
    seen = await watch(page, 4000);
    clocks = seen.clocks;
    advanced = clocks.at(-1) - clocks[0];
    return seen.frames >= 40 && advanced > 3000 && advanced < 5500;
  }).catch(() => { throw new Error(`${seen.frames} frames in 4 s, in which the clock advanced by ${advanced} ms`); });
  w.check(clocks.length >= 0.8 * seen.frames, `the clock could be read in only ${clocks.length} of ${seen.frames} frames`);
  const back = clocks.filter((c, i) => i > 0 && c < clocks[i - 1]).length;
  w.check(back === 0, `the clock went back ${back} times`);
  const delay = (p) => seen.delays[Math.round(p * (seen.delays.length - 1))];
  w.check(delay(0.5) < 2000, `the picture is ${delay(0.5)} ms old`);
  Object.assign(w.measured, { frames: seen.frames, unreadable: seen.unreadable, size: `${seen.width}x${seen.height}`, delayP50Ms: delay(0.5), delayP95Ms: delay(0.95) });
  w.check((await page.textContent('#state-text')) === 'Live', 'the state in words is not Live');
  await w.shot(page, 'desktop-light');
}

async function sound(w) {
  const page = await w.camera();
  const level = await w.until('received sound above silence', 8000, async () => { const l = await hear(page, 1000); return l > audible && l; });
  w.measured.levelDbfs = round(level);
  await page.keyboard.press('m');
  w.check(await page.evaluate(() => document.querySelector('edge-cam').muted), 'M does not mute');
  w.check((await page.getByRole('button', { name: 'Sound off' }).count()) === 1, 'the mute button does not show that the sound is off');
  await page.keyboard.press('m');
  w.check(!(await page.evaluate(() => document.querySelector('edge-cam').muted)), 'M does not unmute');
}

async function talk(w) {
  const page = await w.camera();
  const before = await speaker(w, 600);
  const button = page.getByRole('button', { name: 'Hold to talk' });
  await button.hover();
  await page.mouse.down();
  const heard = await w.until('talk-back in the node’s speaker', 10_000, async () => { const s = await speaker(w, 800); return s.tone_dbfs > heardTone && s; });
  w.check(await page.evaluate(() => document.querySelector('edge-cam').talking), 'the page does not say that it is talking');
  const sample = await stats(page);
  w.check(sample.talk.packetsSent > 20, `only ${sample.talk.packetsSent} packets sent`);
  await w.shot(page, 'talking');
  await page.mouse.up();
  const quiet = await w.until('silence after the button is let go', 8000, async () => { const s = await speaker(w, 600); return s.tone_dbfs < heard.tone_dbfs - 15 && s; });
  // Space does the same, and instantly, because the microphone is open now.
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.down(' ');
  const started = Date.now();
  await page.waitForFunction(() => document.querySelector('edge-cam').talking, null, { timeout: 3000 });
  w.measured.secondTalkMs = Date.now() - started;
  await w.until('talk-back by the space key', 8000, async () => (await speaker(w, 600)).tone_dbfs > heardTone);
  await page.keyboard.up(' ');
  await page.waitForFunction(() => !document.querySelector('edge-cam').talking);
  await button.dblclick();
  await page.waitForFunction(() => document.querySelector('edge-cam').talking);
  w.check((await page.getByRole('button', { name: 'Open mic' }).getAttribute('aria-pressed')) === 'true', 'a double click does not keep the microphone open');
  await page.keyboard.press('o');
  await page.waitForFunction(() => !document.querySelector('edge-cam').talking);
  Object.assign(w.measured, { beforeDbfs: round(before.tone_dbfs), heardDbfs: round(heard.tone_dbfs), levelDbfs: round(heard.level_dbfs), afterDbfs: round(quiet.tone_dbfs) });
}

async function ring(w) {
  const page = await w.camera();
  await page.mouse.click(640, 10); // sound is unlocked by a gesture, as a person's
  await w.api('POST', '/api/sim/button');
  const banner = page.locator('#ring');
  await banner.waitFor({ state: 'visible', timeout: 4000 });
  w.check((await banner.textContent()).includes('Someone is at the door'), 'the banner says something else');
  w.check((await page.title()).includes('Doorbell'), `the title does not show the bell: ${await page.title()}`);
  await w.until('the chime', 3000, () => page.evaluate(() => document.getElementById('ring').dataset.chime === 'heard'));
  await w.sleep(600);
  await w.shot(page, 'ring');
  await page.keyboard.press('Escape');
  await banner.waitFor({ state: 'hidden' });
  w.check(!(await page.title()).includes('Doorbell'), 'the title still shows the bell');
  await page.getByRole('button', { name: 'Ring the bell' }).click();
  await page.getByRole('button', { name: 'Answer' }).click();
  await page.waitForFunction(() => document.querySelector('edge-cam').talking, null, { timeout: 5000 });
  await banner.waitFor({ state: 'hidden' });
}

async function door(w) {
  const page = await w.camera();
  const button = page.locator('edge-cam').locator('button.door');
  await page.waitForFunction(() => document.querySelector('edge-cam').device.door === 'locked', null, { timeout: 5000 });
  // The release is short: what happens is written down as it happens.
  await page.evaluate(() => {
    globalThis.seen = [];
    const camera = document.querySelector('edge-cam');
    const label = camera.shadowRoot.querySelector('button.door');
    const note = (what) => { if (globalThis.seen.at(-1)?.what !== what) globalThis.seen.push({ what, at: performance.now() }); };
    camera.addEventListener('edgecam-state', () => note(`${camera.device.door}: ${label.textContent}`));
    camera.addEventListener('edgecam-door', (e) => note(e.detail.ok ? 'answered' : `refused: ${e.detail.error}`));
  });
  const count = (what) => page.evaluate((what) => globalThis.seen.filter((s) => s.what === what).length, what);
  const open = 'released: The door is unlocked';
  const locked = 'locked: Hold to open the door';
  await button.click(); // a tap must not open it
  await w.sleep(1200);
  w.check((await count(open)) === 0, 'a tap opened the door');
  await button.hover();
  await page.mouse.down();
  await w.until('the door opens by a held button', 6000, async () => (await count(open)) === 1);
  await w.shot(page, 'door-open');
  await page.mouse.up();
  await w.until('the device’s answer', 4000, async () => (await count('answered')) === 1);
  w.measured.openMs = await w.until('the door locks again by itself', 20_000, () => page.evaluate(([open, locked]) => {
    const from = globalThis.seen.find((s) => s.what === open).at;
    const to = globalThis.seen.find((s) => s.what === locked && s.at > from)?.at;
    return to ? Math.round(to - from) : 0;
  }, [open, locked]));
  // By key: hold D; letting go too early does nothing.
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.down('d');
  await w.sleep(200);
  await page.keyboard.up('d');
  await w.sleep(1000);
  w.check((await count(open)) === 1, 'a short press of D opened the door');
  await page.keyboard.down('d');
  await w.until('the door opens by a held key', 6000, async () => (await count(open)) === 2);
  await page.keyboard.up('d');
}

async function secondViewer(w) {
  const first = await w.camera();
  await w.until('one viewer', 5000, () => first.evaluate(() => document.querySelector('edge-cam').device.viewers === 1));
  const freezes = (await stats(first)).video.freezeCount ?? 0;
  const second = await w.camera();
  await w.until('two viewers', 5000, () => first.evaluate(() => document.querySelector('edge-cam').device.viewers === 2));
  const both = await Promise.all([flowing(first), flowing(second)]);
  await second.close();
  const left = Date.now();
  await w.until('one viewer again', 10_000, () => first.evaluate(() => document.querySelector('edge-cam').device.viewers === 1));
  w.measured.leaveMs = Date.now() - left;
  const after = await flowing(first);
  Object.assign(w.measured, { frames: [...both.map((s) => s.frames), after.frames], newFreezes: ((await stats(first)).video.freezeCount ?? 0) - freezes });
}

async function statistics(w) {
  const page = await w.camera({ colorScheme: 'dark' });
  await page.keyboard.press('i');
  await page.locator('#stats').waitFor({ state: 'visible' });
  await stats(page);
  await w.sleep(3000);
  const s = await w.until('a second with a sane frame rate', 12_000, async () => {
    const sample = await stats(page);
    return sample.video.framesPerSecond > 10 && sample.video.framesPerSecond < 70 && sample;
  });
  w.check(s.video.codec === 'VP8', `video codec ${s.video.codec}`);
  w.check(s.audio.codec === 'opus', `audio codec ${s.audio.codec}`);
  w.check(s.video.width >= 16 && s.video.height >= 16, 'no picture size');
  w.check(s.video.bitrateBps > 20_000 && s.video.bitrateBps < 20e6, `${s.video.bitrateBps} bit/s`);
  w.check(s.rttMs !== null && s.rttMs >= 0 && s.rttMs < 500, `round trip ${s.rttMs} ms`);
  w.check(s.delayMs !== null && s.delayMs < 1000, `delay ${s.delayMs} ms`);
  w.check(s.path.protocol && s.path.localType && s.path.remoteType, `path ${JSON.stringify(s.path)}`);
  w.check((s.video.lossRatio ?? 0) < 0.2, `loss ${s.video.lossRatio}`);
  for (const figure of ['delay', 'bitrate', 'fps', 'loss']) {
    const text = await page.locator(`[data-figure="${figure}"]`).textContent();
    w.check(/\d/.test(text), `the panel’s ${figure} shows ${text}`);
  }
  await w.shot(page, 'statistics-dark');
  Object.assign(w.measured, { delayMs: round(s.delayMs), rttMs: round(s.rttMs, 2), bufferMs: round(s.video.bufferMs), decodeMs: round(s.video.decodeMs), fps: round(s.video.framesPerSecond), kbps: round(s.video.bitrateBps / 1000, 0), freezes: s.video.freezeCount, path: `${s.path.localType}-${s.path.remoteType} ${s.path.protocol}` });
  await page.keyboard.press('Escape');
  await page.locator('#stats').waitFor({ state: 'hidden' });
}

async function snapshot(w) {
  const page = await w.camera();
  const [download] = await Promise.all([page.waitForEvent('download', { timeout: 8000 }), page.getByRole('button', { name: 'Snapshot' }).click()]);
  w.check(/^[\p{L}\p{N}-]+-\d{4}-\d\d-\d\d-\d{6}\.jpg$/u.test(download.suggestedFilename()), `file name ${download.suggestedFilename()}`);
  const size = await page.evaluate(async () => {
    const blob = await document.querySelector('edge-cam').snapshot();
    const picture = await createImageBitmap(blob);
    return [picture.width, picture.height, blob.size];
  });
  const video = await page.evaluate(() => { const { video } = document.querySelector('edge-cam'); return [video.videoWidth, video.videoHeight]; });
  w.check(size[0] === video[0] && size[1] === video[1] && size[2] > 2000, `snapshot of ${size}`);
  await page.getByRole('button', { name: 'Full screen' }).click();
  await w.until('full screen', 3000, () => page.evaluate(() => document.fullscreenElement !== null));
  await page.keyboard.press('f');
  await w.until('leaving full screen', 3000, () => page.evaluate(() => document.fullscreenElement === null));
}

/** The picture goes on after the network path changed: an ICE restart inside the session. */
async function iceRestart(w) {
  const page = await w.camera();
  const patches = [];
  page.on('response', async (r) => { if (r.request().method() === 'PATCH') patches.push(`${r.status()} ${r.request().headers()['if-match'] ?? ''}`); });
  const posts = [];
  page.on('request', (r) => { if (r.method() === 'POST' && r.url().includes('/whep')) posts.push(r.url()); });
  await page.evaluate(() => dispatchEvent(new Event('online'))); // what a browser tells when it has a network again
  await w.until('the restart’s answer', 15_000, () => patches.some((p) => p.startsWith('200 ')));
  await w.sleep(1500);
  await flowing(page);
  w.check(posts.length === 0, 'the page made a new session instead');
  w.measured.patches = patches;
}

async function reconnect(w) {
  const page = await w.camera();
  await w.ask('stop');
  await w.until('the page tells that the connection is lost', 15_000, () => page.evaluate(() => document.querySelector('edge-cam').state !== 'live'));
  await w.sleep(1500);
  await w.shot(page, 'connection-lost');
  const words = await page.textContent('#state-text');
  w.check(/lost|Reconnecting/.test(words), `the state in words: ${words}`);
  await w.ask('start');
  const back = Date.now();
  await w.live(page, 30_000);
  w.measured.backMs = Date.now() - back;
  await flowing(page);
}

export const scenarios = { live, sound, talk, ring, door, secondViewer, turns, statistics, snapshot, layout, codecs, iceRestart, reconnect };
