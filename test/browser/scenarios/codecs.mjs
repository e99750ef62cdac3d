// Every voice codec that the browser and the node have in common, both ways.

import { speaker } from '../probe.mjs';

const audible = 1e-5; // of totalAudioEnergy; silence leaves it at 0
const heardTone = -45; // dBFS of the tone in the node's speaker

export async function codecs(w) {
  const page = await w.page('/');
  await page.mouse.click(640, 10);
  w.measured.codecs = {};
  for (const name of ['opus', 'G722', 'PCMU', 'PCMA']) {
    const seen = await page.evaluate(async (wanted) => {
      const pc = new RTCPeerConnection();
      window.call = pc;
      const voice = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
      const t = pc.addTransceiver(voice.getAudioTracks()[0], { direction: 'sendrecv' });
      const all = RTCRtpReceiver.getCapabilities('audio').codecs;
      // What goes with a codec is offered, too: comfort noise, keys, redundancy.
      const beside = ['audio/cn', 'audio/telephone-event', 'audio/red'];
      const offered = (c) => c.mimeType.toLowerCase() === `audio/${wanted.toLowerCase()}`;
      t.setCodecPreferences([...all.filter(offered), ...all.filter((c) => beside.includes(c.mimeType.toLowerCase()))]);
      const player = new Audio();
      pc.ontrack = (e) => { player.srcObject = new MediaStream([e.track]); player.play(); };
      await pc.setLocalDescription();
      await new Promise((r) => { if (pc.iceGatheringState === 'complete') r(); else { pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && r(); setTimeout(r, 1500); } });
      const answer = await fetch('/whep', { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: pc.localDescription.sdp });
      if (answer.status !== 201) return { error: `${answer.status} ${await answer.text()}` };
      const sdp = await answer.text();
      await pc.setRemoteDescription({ type: 'answer', sdp });
      const figures = async () => {
        const s = [...(await pc.getStats()).values()];
        const inbound = s.find((r) => r.type === 'inbound-rtp');
        const outbound = s.find((r) => r.type === 'outbound-rtp');
        return {
          energy: inbound?.totalAudioEnergy ?? 0, packets: inbound?.packetsReceived ?? 0, sent: outbound?.packetsSent ?? 0,
          codec: s.find((r) => r.id === inbound?.codecId)?.mimeType, sentCodec: s.find((r) => r.id === outbound?.codecId)?.mimeType,
        };
      };
      let f;
      for (const end = Date.now() + 9000; Date.now() < end;) {
        await new Promise((r) => setTimeout(r, 200));
        f = await figures();
        if (f.energy > 1e-5 && f.packets > 50 && f.sent > 50) break;
      }
      f.maps = [...sdp.matchAll(/a=rtpmap:\d+ (\S+)/g)].map((m) => m[1]);
      return f;
    }, name);
    w.check(!seen.error, `${name}: ${seen.error}`);
    w.check(seen.codec === `audio/${name}` && seen.sentCodec === `audio/${name}`, `${name}: the codecs are ${seen.codec} and ${seen.sentCodec}`);
    const beside = name === 'opus' ? ['red/48000/2', 'telephone-event/48000'] : ['CN/8000', 'telephone-event/8000'];
    for (const b of beside) w.check(seen.maps.includes(b), `${name}: ${b} is not agreed on (${seen.maps.join(' ')})`);
    w.check(seen.energy > audible, `${name}: the node is not heard (${JSON.stringify(seen)})`);
    const heard = await w.until(`${name}: the browser in the node’s speaker`, 8000, async () => { const s = await speaker(w, 600); return s.tone_dbfs > heardTone && s; });
    w.measured.codecs[name] = { packets: seen.packets, toneDbfs: +heard.tone_dbfs.toFixed(1) };
    await page.evaluate(() => { for (const s of window.call.getSenders()) s.track?.stop(); window.call.close(); });
    await w.until(`${name}: silence afterwards`, 10_000, async () => (await speaker(w, 600)).tone_dbfs < heard.tone_dbfs - 15);
  }
}
