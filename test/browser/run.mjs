// Runs one set of scenarios in Chromium: node run.mjs '{"set":"page","url":…}'.
// Writes one JSON line per scenario to standard output; a line {"ask":…} is a
// request to whoever started it, answered by one line on standard input.

import path from 'node:path';
import readline from 'node:readline';
import { chromium } from 'playwright-core';

const options = JSON.parse(process.argv[2] ?? '{}');
const { scenarios } = await import(`./scenarios/${options.set}.mjs`);
const only = process.env.EDGECAM_SCENARIO;

const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--autoplay-policy=no-user-gesture-required', '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', ...(options.microphone ? [`--use-file-for-fake-audio-capture=${options.microphone}`] : []),
];
const browser = await chromium.launch({ executablePath: options.chromium || '/usr/bin/chromium', headless: true, args });
process.on('SIGINT', () => browser.close().finally(() => process.exit(1)));

const input = readline.createInterface({ input: process.stdin });
const waiting = [];
input.on('line', (line) => waiting.shift()?.(line));

class Skip extends Error {}

/** World is what a scenario works with; everything it opens is closed after it. */
class World {
  constructor(name) {
    this.name = name;
    this.options = options;
    this.url = options.url;
    this.measured = {};
    this.contexts = [];
    this.complaints = [];
    this.closers = [];
  }

  /** page opens a browser window of its own; complaints of the page fail the scenario. */
  async page(where = '/', context = {}) {
    const c = await browser.newContext({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true, permissions: ['microphone', 'notifications'], ...context });
    this.contexts.push(c);
    const page = await c.newPage();
    page.on('pageerror', (e) => this.complaints.push(`page error: ${e.stack ?? e.message}`));
    page.on('console', (m) => {
      // A refused request is told by status; the scenario judges that itself.
      if (m.type() === 'error' && !/Failed to load resource|net::ERR_/.test(m.text())) this.complaints.push(`console: ${m.text()}`);
    });
    if (where !== null) await page.goto(new URL(where, this.url).href);
    return page;
  }

  /** camera opens the page and waits for the live picture. */
  async camera(context) {
    const page = await this.page('/', context);
    await this.live(page);
    return page;
  }

  async live(page, ms = 15_000) {
    const started = Date.now();
    await page.waitForFunction(() => document.querySelector('edge-cam')?.state === 'live', null, { timeout: ms }).catch(async () => {
      const seen = await page.evaluate(() => [document.querySelector('edge-cam')?.state, document.querySelector('edge-cam')?.stateText, document.getElementById('state-text')?.textContent]);
      throw new Error(`no live picture within ${ms} ms: ${JSON.stringify(seen)}`);
    });
    return Date.now() - started;
  }

  async shot(page, name) {
    if (options.artifacts) await page.screenshot({ path: path.join(options.artifacts, `${name}.png`) });
  }

  async api(method, where) {
    const response = await fetch(new URL(where, this.url), { method, headers: { Accept: 'application/json' } });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${text.slice(0, 200)}`);
    return text ? JSON.parse(text) : null;
  }

  async ask(what) {
    const answer = await new Promise((resolve) => { waiting.push(resolve); console.log(JSON.stringify({ ask: what })); });
    if (answer !== 'ok') throw new Error(`${what}: ${answer}`);
  }

  /** until polls fn until it returns something true. */
  async until(what, ms, fn) {
    let last;
    for (const end = Date.now() + ms; Date.now() < end;) {
      last = await fn();
      if (last) return last;
      await new Promise((r) => setTimeout(r, 100));
    }
    throw new Error(`${what}: not within ${ms} ms`);
  }

  check(ok, text) { if (!ok) throw new Error(text); }
  skip(text) { throw new Skip(text); }
  sleep(ms) { return new Promise((r) => setTimeout(r, ms)); }
}

for (const [name, fn] of Object.entries(scenarios)) {
  if (only && !name.includes(only)) continue;
  const world = new World(name);
  const started = Date.now();
  const line = { scenario: name };
  let timer;
  try {
    await Promise.race([fn(world), new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('took more than 60 s')), 60_000); })]);
    if (world.complaints.length) throw new Error(world.complaints.join('\n'));
  } catch (e) {
    if (e instanceof Skip) line.skipped = e.message;
    else {
      line.error = [e.message, ...world.complaints].join('\n');
      for (const [i, c] of world.contexts.entries()) for (const p of c.pages()) await world.shot(p, `failed-${name}-${i}`).catch(() => {});
    }
  }
  clearTimeout(timer);
  for (const c of world.contexts) await c.close().catch(() => {});
  for (const close of world.closers) await close();
  line.seconds = (Date.now() - started) / 1000;
  line.measured = world.measured;
  console.log(JSON.stringify(line));
}
await browser.close();
process.exit(0);
