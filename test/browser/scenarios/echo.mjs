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
  await w.sleep(4000);
  const [own, near] = await hearTones(page, 6000, [toneHz, nearHz]);
  const { voice } = await w.api('GET', '/api/status');
  Object.assign(w.measured, { ownDbfs: round(own), nearDbfs: round(near), speakerDbfs: round((await speaker(w, 1500)).tone_dbfs) });
  if (voice.echo) Object.assign(w.measured, { erleDb: voice.echo.erle_cb / 10, locked: voice.echo.locked });
}

export const scenarios = { call };
