// Two Chromiums for netbench: one that watches, one that sends its fake camera.
// Commands come as JSON lines on standard input, each is answered by one line.
//
//   {"do":"offer"}                      the watcher's offer
//   {"do":"send","sdp":…,"maxBps":…}    the sender's answer to an offer
//   {"do":"accept","sdp":…}             the watcher takes an answer
//   {"do":"stats"}                      what the watcher has received
//   {"do":"frame"}                      the luma plane that the watcher shows now
//   {"do":"close"}                      ends both

import { createRequire } from 'node:module';
import readline from 'node:readline';

const options = JSON.parse(process.argv[2]);
const { chromium } = createRequire(options.modules)('playwright-core');

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--autoplay-policy=no-user-gesture-required', '--disable-features=WebRtcHideLocalIpsWithMdns', '--allow-loopback-in-peer-connection',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${options.clip}`,
];
const launch = () => chromium.launch({ executablePath: options.chromium, headless: true, args: flags });
const [watcher, sender] = await Promise.all([launch(), launch()]);
const close = () => Promise.all([watcher.close(), sender.close()]).finally(() => process.exit(0));
process.on('SIGINT', close);
process.on('SIGTERM', close);

const open = async (browser) => {
  const page = await (await browser.newContext({ permissions: ['camera', 'microphone'] })).newPage();
  await page.goto(options.blank);
  return page;
};
let watching = null;
let sending = null;

const commands = {
  async offer() {
    watching = await open(watcher);
    return { sdp: await watching.evaluate(async () => {
      const pc = globalThis.pc = new RTCPeerConnection();
      pc.addTransceiver('video', { direction: 'recvonly' });
      pc.addTransceiver('audio', { direction: 'recvonly' });
      const video = document.createElement('video');
      video.autoplay = video.muted = video.playsInline = true;
      video.srcObject = new MediaStream();
      document.body.append(video);
      pc.ontrack = (e) => video.srcObject.addTrack(e.track);
      await pc.setLocalDescription();
      return pc.localDescription.sdp;
    }) };
  },

  async send({ sdp, maxBps }) {
    sending = await open(sender);
    return { sdp: await sending.evaluate(async ({ sdp, maxBps }) => {
      const pc = globalThis.pc = new RTCPeerConnection();
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 30 }, audio: true });
      await pc.setRemoteDescription({ type: 'offer', sdp });
      for (const track of stream.getTracks()) pc.addTrack(track, stream);
      await pc.setLocalDescription();
      for (const s of pc.getSenders().filter((x) => x.track?.kind === 'video')) {
        const p = s.getParameters();
        p.encodings[0].maxBitrate = maxBps;
        await s.setParameters(p);
      }
      while (pc.iceGatheringState !== 'complete') await new Promise((r) => setTimeout(r, 20));
      return pc.localDescription.sdp;
    }, { sdp, maxBps }) };
  },

  async accept({ sdp }) {
    await watching.evaluate((sdp) => globalThis.pc.setRemoteDescription({ type: 'answer', sdp }), sdp);
    return {};
  },

  async stats() {
    const out = await watching.evaluate(async () => {
      const out = { state: globalThis.pc.connectionState };
      for (const s of (await globalThis.pc.getStats()).values()) if (s.type === 'inbound-rtp' && s.kind === 'video') Object.assign(out, { video: s });
      return out;
    });
    if (sending) {
      out.sender = await sending.evaluate(async () => {
        const out = {};
        for (const s of (await globalThis.pc.getStats()).values()) if (s.type === 'outbound-rtp' && s.kind === 'video') Object.assign(out, s);
        return out;
      });
    }
    return out;
  },

  async frame() {
    return await watching.evaluate(async () => {
      const video = document.querySelector('video');
      if (!video || video.readyState < 2) return {};
      const frame = new VideoFrame(video);
      try {
        if (!['I420', 'NV12'].includes(frame.format)) return {};
        const all = new Uint8Array(frame.allocationSize());
        const [plane] = await frame.copyTo(all);
        const { width, height } = frame.visibleRect;
        let luma = '';
        for (let y = 0; y < height; y++) luma += String.fromCharCode(...all.subarray(plane.offset + y * plane.stride, plane.offset + y * plane.stride + width));
        return { luma: btoa(luma), width, height };
      } finally {
        frame.close();
      }
    });
  },

  async close() {
    for (const page of [watching, sending]) {
      if (!page) continue;
      await page.evaluate(() => globalThis.pc?.close()).catch(() => {});
      await page.context().close();
    }
    watching = sending = null;
    return {};
  },
};

console.log(JSON.stringify({ version: watcher.version() }));
readline.createInterface({ input: process.stdin }).on('close', close).on('line', async (line) => {
  const command = JSON.parse(line);
  const answer = await commands[command.do](command).catch((e) => ({ error: e.message }));
  console.log(JSON.stringify(answer));
});
