// A viewer that reaches the node through its MQTT broker alone.

import { flowing } from '../probe.mjs';

const patience = 30_000; // ms
const few = 6; // frames in two seconds that show a stream, on whatever machine

/** open opens the example page; that it asks the node itself anything is an error. Its peer connections are kept in pcs. */
async function open(w) {
  const page = await w.page(null);
  page.on('request', (r) => { if (r.url().startsWith(w.options.node)) w.complaints.push(`the page asked the node: ${r.url()}`); });
  await page.addInitScript(() => {
    globalThis.pcs = [];
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...args) { super(...args); globalThis.pcs.push(this); }
    };
  });
  await page.goto(new URL('/examples/web/broker.html', w.url).href);
  return page;
}

const viewerKey = (page, w) => w.until('the viewer’s key', 5000, () => page.textContent('#key'));

async function granted(w, key, more = {}) {
  const response = await fetch(new URL(`/grant?${new URLSearchParams({ key, ...more })}`, w.url));
  if (!response.ok) throw new Error(`grant: ${response.status} ${await response.text()}`);
  return response.text();
}

/** connect fills the example page's form. */
async function connect(page, w, grant, more = {}) {
  const values = { src: w.options.broker, user: w.options.user, token: w.options.password, grant, ...more };
  for (const [name, value] of Object.entries(values)) await page.locator(`[name=${name}]`).fill(value);
  await page.getByRole('button', { name: 'Connect' }).click();
}

const viewers = async (w) => Number(await (await fetch(new URL('/viewers', w.url))).text());

/** watched shows the picture, goes on without the broker, restarts ICE over it when it is back, and ends the session. */
async function watched(w) {
  const page = await open(w);
  const key = await viewerKey(page, w);
  const began = Date.now();
  await connect(page, w, await granted(w, key));
  await w.live(page, patience);
  w.measured.connectToLiveMs = Date.now() - began;
  const seen = await flowing(page, few);
  w.check(seen.clocks.length > 0, 'the scene’s clock cannot be read');
  w.measured.frames = seen.frames;
  await w.shot(page, 'broker');

  await w.ask('stop broker');
  try {
    w.measured.framesWithoutBroker = (await flowing(page, few)).frames;
  } finally {
    await w.ask('start broker');
  }
  await w.ask('await node');
  const ufrag = () => page.evaluate(() => globalThis.pcs.at(-1).remoteDescription.sdp.match(/^a=ice-ufrag:(.*)$/m)[1]);
  const before = await ufrag();
  await page.evaluate(() => dispatchEvent(new Event('online'))); // as when the network has changed
  await w.until('new credentials of the node', 15_000, async () => (await ufrag()) !== before);
  w.check((await page.evaluate(() => globalThis.pcs.length)) === 1, 'the session was begun anew instead of restarted');
  await flowing(page, few);

  w.check((await viewers(w)) === 1, 'the node has not one viewer');
  // Leaving is told over the broker too, for a path that carries nothing any more.
  await page.evaluate(() => { globalThis.pcs.at(-1).close = () => {}; document.querySelector('edge-cam').disconnect(); });
  await w.until('the end of the session', 5000, async () => (await viewers(w)) === 0);
}

/** keys: the viewer's key outlives the page, and no script reads it. */
async function keys(w) {
  const page = await open(w);
  const first = await viewerKey(page, w);
  await page.reload();
  w.check((await viewerKey(page, w)) === first, 'the key is another after a reload');
  const kept = await page.evaluate(async () => {
    const { viewerKey } = await import('/web/edgecam.js');
    const all = await Promise.all([viewerKey('another'), viewerKey('another')]);
    const same = await Promise.all(all.map(async (k) => JSON.stringify(await crypto.subtle.exportKey('jwk', k.publicKey))));
    return [same[0] === same[1], await crypto.subtle.exportKey('pkcs8', all[0].privateKey).then(() => 'readable', (e) => e.name)];
  });
  w.check(kept[0], 'two callers at once have two keys');
  w.check(kept[1] === 'InvalidAccessError', `the private key is ${kept[1]}`);
}

/** refused: whoever has no good grant or no password sees no picture, and reads why. */
async function refused(w) {
  const page = await open(w);
  const key = await viewerKey(page, w);
  const good = await granted(w, key);
  const other = await page.evaluate(async () => {
    const { publicKey, viewerKey } = await import('/web/edgecam.js');
    return publicKey(await viewerKey('other'));
  });
  const state = () => page.evaluate(() => document.querySelector('edge-cam').state);
  for (const [what, grant, more, want, text] of [
    ['a wrong password', good, { token: 'wrong' }, 'denied', 'does not let this page in'],
    ['a damaged grant', '{}', {}, 'waiting', 'missing or damaged'],
    ['a grant for another key', await granted(w, other), {}, 'denied', 'another browser’s key'],
    ['an expired grant', await granted(w, key, { old: 1 }), {}, 'denied', 'has expired'],
    ['a grant by a stranger', await granted(w, key, { by: 'stranger' }), {}, 'waiting', 'No answer over the broker'],
  ]) {
    await connect(page, w, grant, more);
    await w.until(`${what}: ${want}`, 20_000, async () => (await state()) === want && (await page.textContent('#state')).includes(text))
      .catch(async (e) => { throw new Error(`${e.message}; it is ${await state()}: ${await page.textContent('#state')}`); });
    w.check((await viewers(w)) === 0, `${what}: the node has a viewer`);
  }
  await connect(page, w, good);
  await w.live(page, patience);
}

/** mqtt: messages of all sizes with QoS 0 and 1, waiting ones after a reconnection, refusals. */
async function mqtt(w) {
  const page = await open(w);
  const options = { url: w.options.broker, username: w.options.user, password: w.options.password };
  const echoed = await page.evaluate(async (options) => {
    const { Mqtt } = await import('/web/edgecam/mqtt.js');
    const got = new Map();
    const client = globalThis.client = new Mqtt({ ...options, clientId: 'viewer-test', filters: ['test/#'], keepAliveS: 4 }, { message: (m) => got.set(m.topic, m.payload) });
    globalThis.got = got;
    client.connect();
    await client.ready(AbortSignal.timeout(5000));
    const sizes = [0, 1, 119, 127, 128, 16_383, 16_384];
    for (const qos of [0, 1]) {
      for (const n of sizes) await client.publish(`test/${qos}/${n}`, new Uint8Array(n).map((_, i) => i * 7 + n), qos);
    }
    for (let i = 0; i < 100 && got.size < 2 * sizes.length; i++) await new Promise((r) => setTimeout(r, 50));
    const wrong = [];
    for (const qos of [0, 1]) {
      for (const n of sizes) {
        const b = got.get(`test/${qos}/${n}`);
        if (b?.length !== n || b.some((v, i) => v !== ((i * 7 + n) & 255))) wrong.push(`${qos}/${n}`);
      }
    }
    return wrong;
  }, options);
  w.check(echoed.length === 0, `not echoed: ${echoed}`);
  // Longer than the keep-alive time: the broker would end the connection at 1.5 times.
  await w.sleep(7000);
  w.check(await page.evaluate(() => globalThis.client.up), 'the connection does not stay');
  await w.ask('stop broker');
  await w.until('the loss is seen', 5000, () => page.evaluate(() => !globalThis.client.up));
  await page.evaluate(() => { globalThis.sent = false; globalThis.client.publish('test/later', 'still here', 1).then(() => { globalThis.sent = true; }); });
  w.check(await page.evaluate(() => globalThis.client.publish('test/0', 'x', 0).then(() => false, () => true)), 'QoS 0 without a connection succeeds');
  await w.ask('start broker');
  await w.until('what waited is delivered', 15_000, () => page.evaluate(() => globalThis.sent && globalThis.got.has('test/later')));
  const refusal = await page.evaluate(async (options) => {
    globalThis.client.close();
    const closed = await globalThis.client.publish('test/x', 'x', 1).then(() => 'sent', (e) => e.message);
    const { Mqtt } = await import('/web/edgecam/mqtt.js');
    const stranger = new Mqtt({ ...options, password: 'wrong' });
    stranger.connect();
    return [closed, await stranger.ready(AbortSignal.timeout(5000)).then(() => 'in', (e) => `${e.refused} ${e.message}`)];
  }, options);
  w.check(refusal[0] === 'MQTT: closed', `a closed client: ${refusal[0]}`);
  w.check(refusal[1].startsWith('true '), `a stranger: ${refusal[1]}`);
}

/** parser: packets that are cut anywhere, and bytes that are none. */
async function parser(w) {
  const page = await open(w);
  const wrong = await page.evaluate(async () => {
    const { Parser, packet, parsePublish } = await import('/web/edgecam/mqtt.js');
    const wrong = [];
    const publish = packet(3, 2, [0, 3, 97, 47, 98, 1, 2], new Uint8Array(300).fill(9));
    const stream = new Uint8Array([...packet(13, 0), ...publish, ...packet(4, 0, [1, 2])]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const p = new Parser();
      const all = [...p.push(stream.subarray(0, cut)), ...p.push(stream.subarray(cut))];
      const m = all[1] && parsePublish(all[1]);
      if (all.map((x) => x.type).join() !== '13,3,4' || m.topic !== 'a/b' || m.id !== 258 || m.payload.length !== 300) wrong.push(`cut at ${cut}`);
    }
    const throws = (name, fn) => {
      try { fn(); } catch (e) { if (e.name === 'MqttError') return; wrong.push(`${name}: ${e}`); return; }
      wrong.push(`${name} passes`);
    };
    throws('a length of five bytes', () => new Parser().push(new Uint8Array([0x30, 255, 255, 255, 255, 1])));
    throws('a packet of 256 MiB', () => new Parser().push(new Uint8Array([0x30, 255, 255, 255, 127])));
    for (const [name, flags, body] of [['an empty PUBLISH', 0, []], ['a topic that is cut', 0, [0, 5, 97]], ['no identifier', 2, [0, 1, 97, 0]], ['QoS 2', 4, [0, 1, 97, 0, 1]]]) {
      throws(name, () => parsePublish({ flags, body: new Uint8Array(body) }));
    }
    // Bytes at random neither hang the parser nor make it hold more than its limit.
    for (let i = 0; i < 2000; i++) {
      const p = new Parser();
      try { for (let k = 0; k < 4; k++) for (const x of p.push(crypto.getRandomValues(new Uint8Array(64)))) if (x.type === 3) parsePublish(x); } catch (e) { if (e.name !== 'MqttError') wrong.push(`random bytes: ${e}`); }
    }
    return wrong;
  });
  w.check(wrong.length === 0, wrong.join('; '));
}

/** dialog: of what a hostile broker may bring, nothing is taken. */
async function dialog(w) {
  const page = await open(w);
  const wrong = await page.evaluate(async () => {
    const { Dialog, publicKey, toBase64, fromBase64 } = await import('/web/edgecam/dialog.js');
    const make = () => crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    const [viewer, node, mallory] = [await make(), await make(), await make()];
    const utf8 = new TextEncoder();
    const hash = async (b) => toBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', b)));
    const id = 'ec-10000000abcdef01';
    const grant = { p: btoa(JSON.stringify({ v: 1, node: id, node_key: await publicKey(node), key: await publicKey(viewer), exp: Date.now() / 1000 + 60 })), kid: 'k1', sig: '' };
    const begin = async () => {
      const d = await Dialog.begin(grant, viewer);
      const ask = async (type, sdp) => { const p = fromBase64(JSON.parse(await d.request(type, sdp)).p); return { p, body: JSON.parse(new TextDecoder().decode(p)) }; };
      return { d, ask };
    };
    const seal = async (body, key = node, context = 'ec1 rtc reply\n') => {
      const p = utf8.encode(JSON.stringify(body));
      const sig = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, utf8.encode(context + JSON.stringify(body)));
      return { p: toBase64(p), sig: toBase64(new Uint8Array(sig)) };
    };
    const bytes = (m) => utf8.encode(JSON.stringify(m));
    const wrong = [];
    const expect = async (what, d, message, taken) => { if (((await d.reply(message)) !== null) !== taken) wrong.push(`${what}: ${taken ? 'refused' : 'taken'}`); };

    const sdp = 'v=0\r\na=fingerprint:sha-256 AA:BB\r\n';
    const { d, ask } = await begin();
    const offer = await ask('offer', sdp);
    const { peer, sid } = offer.body;
    const good = { v: 1, type: 'answer', node: id, peer, sid, seq: 1, iat: 0, re: await hash(offer.p), sdp };
    await expect('another key', d, bytes(await seal(good, mallory)), false);
    await expect('another purpose', d, bytes(await seal(good, node, 'ec1 rtc request\n')), false);
    const sealed = await seal(good);
    await expect('changed after signing', d, bytes({ ...sealed, p: toBase64(utf8.encode(JSON.stringify({ ...good, sdp: sdp.replace('AA', 'EE') }))) }), false);
    for (const [what, change] of Object.entries({
      'another node': { node: 'ec-10000000abcdef02' }, 'another viewer': { peer: '0'.repeat(16) }, 'another session': { sid: '0'.repeat(32) }, 'another request': { re: await hash(utf8.encode('x')) },
      'no request': { re: undefined }, 'no number': { seq: undefined }, 'another version': { v: 2 }, 'no fingerprint': { sdp: 'v=0\r\n' }, 'a weak fingerprint': { sdp: 'v=0\r\na=fingerprint:sha-1 AA\r\n' },
      'a weak fingerprint beside': { sdp: `${sdp}a=fingerprint:sha-1 AA\r\n` },
    })) await expect(what, d, bytes(await seal({ ...good, ...change })), false);
    for (const junk of ['', '{', '[]', 'null', '{"p":1,"sig":2}', '{"p":"e30=","sig":"AA=="}', 'x'.repeat(200_000)]) await expect(`junk ${junk.slice(0, 20)}`, d, utf8.encode(junk), false);
    await expect('the answer', d, bytes(sealed), true);
    await expect('the answer again', d, bytes(sealed), false);
    await expect('an answer that nobody asked for', d, bytes(await seal({ ...good, seq: 2 })), false);
    await expect('the end', d, bytes(await seal({ ...good, type: 'bye', re: undefined, sdp: undefined, seq: 3 })), true);

    const late = await begin(); // a node without a clock
    const first = await late.ask('offer', sdp);
    await expect('a nonce', late.d, bytes(await seal({ ...good, type: 'error', nonce: 'n1', sid: first.body.sid, re: await hash(first.p), sdp: undefined })), true);
    const second = await late.ask('offer', sdp);
    if (second.body.nonce !== 'n1' || !(second.body.seq > first.body.seq)) wrong.push(`the nonce is not used: ${JSON.stringify(second.body)}`);
    await expect('the answer after it', late.d, bytes(await seal({ ...good, sid: second.body.sid, re: await hash(second.p) })), true);
    return wrong;
  });
  w.check(wrong.length === 0, wrong.join('; '));
}

export const scenarios = { watched, keys, refused, mqtt, parser, dialog };
