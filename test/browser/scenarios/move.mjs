// The viewer's machine changes its network while the page is open.

import { flowing } from '../probe.mjs';

/** change pulls the cable, waits, and has the machine on another network. */
function change(pauseMs) {
  return async (w) => {
    const page = await w.page(null);
    // Sessions are counted: the same one shall go on.
    await page.addInitScript(() => {
      globalThis.sessions = 0;
      const Real = RTCPeerConnection;
      globalThis.RTCPeerConnection = class extends Real {
        constructor(...options) {
          super(...options);
          globalThis.sessions++;
          globalThis.newest = this;
        }
      };
    });
    await w.until('the node answers', 30_000, () => page.goto(`${w.url}/#secret=${w.options.secret}`).then(() => true, () => false));
    await w.live(page, 30_000);
    await flowing(page);
    const address = () => page.evaluate(async () => {
      const all = await globalThis.newest.getStats();
      const pair = all.get([...all.values()].find((s) => s.type === 'transport')?.selectedCandidatePairId);
      return pair && all.get(pair.localCandidateId)?.address;
    });
    const before = await address();
    await page.evaluate(() => {
      globalThis.seen = { frames: [], states: [] };
      const camera = document.querySelector('edge-cam');
      globalThis.loaded = camera;
      camera.addEventListener('edgecam-state', () => globalThis.seen.states.push([Date.now(), camera.state]));
      const next = () => { globalThis.seen.frames.push(Date.now()); camera.video.requestVideoFrameCallback(next); };
      camera.video.requestVideoFrameCallback(next);
    });
    await w.sleep(500);
    const pulled = Date.now();
    await w.ask('pull');
    await w.sleep(pauseMs);
    await w.ask('plug');
    const plugged = Date.now();
    await w.until('the other network', 40_000, async () => (await address()) !== before);
    await flowing(page);
    // The picture was back after the longest time without one.
    const frames = await page.evaluate(() => globalThis.seen.frames);
    let [gap, back] = [0, 0];
    for (const [i, at] of frames.entries()) {
      if (i > 0 && at > pulled && at - frames[i - 1] > gap) [gap, back] = [at - frames[i - 1], at];
    }
    const { states, sessions, same } = await page.evaluate(() => ({ states: globalThis.seen.states, sessions: globalThis.sessions, same: globalThis.loaded === document.querySelector('edge-cam') }));
    Object.assign(w.measured, {
      backAfterPlugMs: back - plugged, withoutMs: gap, sessions, before,
      states: states.map(([at, s]) => `${s} ${at - pulled}`).join(', '),
    });
    w.check(same, 'the page was loaded anew');
    w.check(sessions === 1, `the picture is that of session ${sessions}: the first was given up`);
    await w.live(page, 20_000);
    await flowing(page);
    w.measured.after = await address();
    w.check(w.measured.after && w.measured.after !== before, `the picture comes to ${w.measured.after}, before the change to ${before}`);
    await w.ask('return');
  };
}

export const scenarios = { atOnce: change(0), afterAPause: change(5000) };
