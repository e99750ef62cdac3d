// A call through a room in which the microphone hears the loudspeaker.

import { hearTones, speaker } from '../probe.mjs';

const round = (v) => +v.toFixed(1);
const heardTone = -45; // dBFS of the tone in the node's speaker

/** call talks to the node and measures what comes back: the page's own tone and that of the node's microphone. */
async function call(w) {
  const { toneHz, nearHz } = w.options;
  const page = await w.camera();
  await page.getByRole('button', { name: 'Hold to talk' }).dblclick();
  await page.waitForFunction(() => document.querySelector('edge-cam').talking);
  await w.until('the page’s tone in the node’s speaker', 10_000, async () => (await speaker(w, 500)).tone_dbfs > heardTone);
  // With nothing but tones the delay is found more slowly than with speech.
  const echo = async () => (await w.api('GET', '/api/status')).voice.echo;
  if (await echo()) await w.until('the echo canceller’s delay', 15_000, async () => (await echo()).locked);
  await w.sleep(4000);
  // Tones teach a canceller little: it may take some seconds more until it knows them apart.
  let own, near, windows = 0;
  do {
    [own, near] = await hearTones(page, 6000, [toneHz, nearHz]);
  } while (++windows < 4 && near < (w.options.nearLeast ?? -Infinity));
  const { voice } = await w.api('GET', '/api/status');
  Object.assign(w.measured, { windows, ownDbfs: round(own), nearDbfs: round(near), speakerDbfs: round((await speaker(w, 1500)).tone_dbfs) });
  if (voice.echo) Object.assign(w.measured, { erleDb: voice.echo.erle_cb / 10, locked: voice.echo.locked });
}

/** turns lets two viewers talk at once, half duplex: the second is told to wait, and is heard afterwards. */
export async function turns(w) {
  const [a, b] = [await w.camera(), await w.camera()];
  for (const page of [a, b]) {
    await page.getByRole('button', { name: 'One at a time' }).click();
    await page.locator('button[aria-pressed="true"]', { hasText: 'One at a time' }).waitFor({ timeout: 5000 });
  }
  const talk = (page) => page.getByRole('button', { name: 'Hold to talk' });
  await talk(a).dblclick();
  await w.until('the first viewer in the node’s speaker', 10_000, async () => (await speaker(w, 500)).tone_dbfs > heardTone);
  await talk(b).dblclick();
  const waits = b.locator('[part=talker]', { hasText: 'you are not heard' });
  await waits.waitFor({ state: 'visible', timeout: 8000 });
  w.check((await talk(b).textContent()).includes('Wait'), `the second viewer’s button says ${await talk(b).textContent()}`);
  await w.shot(b, 'waiting');
  await w.shot(a, 'has-floor');
  await talk(a).click();
  await a.waitForFunction(() => !document.querySelector('edge-cam').talking);
  await waits.waitFor({ state: 'hidden', timeout: 8000 });
  await w.until('the second viewer in the node’s speaker', 8000, async () => (await speaker(w, 500)).tone_dbfs > heardTone);
}

export const scenarios = { call };
