// The example pages of examples/web.

import { flowing } from '../probe.mjs';

const patience = 40_000; // ms
const few = 6; // frames in two seconds that show a stream, on whatever machine

/** own: a page whose signalling is its own; leaving ends the session. */
async function own(w) {
  const page = await w.page(`/examples/web/own.html?call=${encodeURIComponent(new URL('/call', w.url))}`);
  await w.live(page, patience);
  w.measured.frames = (await flowing(page, few)).frames;
  const id = await page.evaluate(() => {
    const camera = document.querySelector('edge-cam');
    camera.disconnect();
    return camera.state;
  });
  w.check(id === 'closed', `the state is ${id}`);
}

/** embedded: a page of one's own beside the node's. */
async function embedded(w) {
  const page = await w.page(`/examples/web/index.html?node=${encodeURIComponent(w.options.node)}#token=${w.options.token}`);
  await w.live(page, patience);
  await flowing(page, few);
  await page.getByRole('button', { name: 'Snapshot' }).first().click();
  await w.until('a snapshot', 5000, () => page.evaluate(() => document.querySelector('#pictures img')?.naturalWidth > 0 || null));
  await page.click('#open');
  await w.until('the door', 8000, async () => (await page.textContent('#events')).includes('door {"ok":true'));
}

export const scenarios = { own, embedded };
