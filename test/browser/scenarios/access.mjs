// Signing in to a node as it is delivered: HTTPS with its own certificate, an owner secret.

import http from 'node:http';
import { flowing, speaker, stats } from '../probe.mjs';

async function form(w, context) {
  const page = await w.page('/', context);
  await page.locator('#login form').waitFor({ state: 'visible', timeout: 8000 });
  return page;
}

async function wrongSecret(w) {
  const page = await form(w);
  await w.shot(page, 'login-light');
  await page.fill('#secret', 'not-the-secret');
  await page.keyboard.press('Enter');
  await w.until('the message about the wrong secret', 5000, async () => (await page.textContent('#login-error')) === 'That secret is not right.');
  await w.shot(page, 'login-wrong');
  w.check((await page.locator('edge-cam').count()) === 0, 'there is a camera without a sign-in');
  const status = await page.evaluate(async () => (await fetch('/whep', { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: 'v=0' })).status);
  w.check(status === 401, `POST /whep without a sign-in answers ${status}`);
}

async function rightSecret(w) {
  const page = await form(w, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, colorScheme: 'dark' });
  await w.shot(page, 'login-phone-dark');
  await page.fill('#secret', w.options.secret);
  await page.keyboard.press('Enter');
  await w.live(page);
  await flowing(page);
  w.check(await page.evaluate(() => isSecureContext), 'the page is not a secure context');
  await w.shot(page, 'signed-in-phone');
  // The cookie holds over a reload, and signing out ends it.
  await page.reload();
  await w.live(page);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.locator('#login form').waitFor({ state: 'visible' });
  await page.reload();
  await page.locator('#login form').waitFor({ state: 'visible' });
}

async function secretInAddress(w) {
  const page = await w.page(`/#secret=${w.options.secret}`);
  await w.live(page);
  w.check(!page.url().includes('secret'), `the address still carries the secret: ${page.url()}`);
  const back = await page.evaluate(() => history.length);
  w.measured.historyLength = back;
  const stored = await page.evaluate((secret) => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]).includes(secret), w.options.secret);
  w.check(!stored, 'the secret is kept in the page');
}

async function talkOverHTTPS(w) {
  const page = await w.page(`/#secret=${w.options.secret}`);
  await w.live(page);
  const cookies = await page.context().cookies();
  w.check(cookies.length === 1 && cookies[0].httpOnly && cookies[0].secure && cookies[0].sameSite !== 'None', `cookies ${JSON.stringify(cookies.map(({ value, ...c }) => c))}`);
  await page.keyboard.press('o');
  await page.waitForFunction(() => document.querySelector('edge-cam').talking, null, { timeout: 5000 });
  const world = Object.assign(Object.create(w), {
    api: (method, where) => page.evaluate(async ([method, where]) => (await fetch(where, { method })).json(), [method, where]),
  });
  const heard = await w.until('talk-back in the node’s speaker', 8000, async () => { const s = await speaker(world, 800); return s.tone_dbfs > -45 && s; });
  w.measured.heardDbfs = +heard.tone_dbfs.toFixed(1);
}

/** A page of another origin uses the element in one line, with a token that may only view. */
async function otherPage(w) {
  const owner = await w.page(`/#secret=${w.options.secret}`);
  await w.live(owner);
  const made = await owner.evaluate(async () => {
    const response = await fetch('/api/tokens', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name: 'other page', scopes: ['view'], expires_s: 600 }) });
    return { status: response.status, ...(await response.json()) };
  });
  w.check(made.status === 201 && made.token, `POST /api/tokens: ${JSON.stringify(made)}`);
  const html = `<!doctype html><html lang="en"><title>Another page</title>
<script type="module" src="${w.url}/edgecam.js"></script><edge-cam src="${w.url}/whep" token="${made.token}" talk></edge-cam>`;
  const server = http.createServer((_, response) => { response.setHeader('Content-Type', 'text/html'); response.end(html); });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  w.closers.push(() => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }));

  const page = await w.page(`http://127.0.0.1:${server.address().port}/`, { viewport: { width: 420, height: 440 } });
  await w.live(page);
  await flowing(page);
  w.check((await stats(page)).video.codec === 'VP8', 'no statistics');
  await w.shot(page, 'embedded');
  // The token may not talk: the device does not take the sound, and the element says so.
  const refused = await page.evaluate(() => new Promise((resolve) => {
    const camera = document.querySelector('edge-cam');
    camera.addEventListener('edgecam-error', (e) => resolve(e.detail.code), { once: true });
    camera.startTalk('open');
    setTimeout(() => resolve(camera.talking ? 'talking' : 'silent'), 3000);
  }));
  w.check(['talkNotAllowed', 'talkRefused'].includes(refused), `talking without the right to: ${refused}`);
}

export const scenarios = { wrongSecret, rightSecret, secretInAddress, talkOverHTTPS, otherPage };
