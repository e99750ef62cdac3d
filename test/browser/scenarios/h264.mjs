// H.264 by the board's encoder, VP8 in the same stream while that fails, and back.

import { watch } from '../probe.mjs';

async function h264(w) {
  const page = await w.page('/');
  const sdp = await page.evaluate(async () => {
    const pc = new RTCPeerConnection();
    window.call = pc;
    pc.addTransceiver('video', { direction: 'recvonly' });
    pc.ontrack = (e) => { document.querySelector('video').srcObject = new MediaStream([e.track]); };
    await pc.setLocalDescription();
    await new Promise((r) => { if (pc.iceGatheringState === 'complete') r(); else { pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && r(); setTimeout(r, 1500); } });
    const answer = await fetch('/whep', { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: pc.localDescription.sdp });
    const text = await answer.text();
    if (answer.status === 201) await pc.setRemoteDescription({ type: 'answer', sdp: text });
    return text;
  });
  const maps = [...sdp.matchAll(/a=rtpmap:\d+ (\S+)/g)].map((m) => m[1]);
  w.check(maps[0] === 'H264/90000' && maps.includes('VP8/90000'), `the answer's formats are ${maps}`);
  const figures = () => page.evaluate(async () => {
    const s = [...(await window.call.getStats()).values()];
    const inbound = s.find((r) => r.type === 'inbound-rtp');
    return { decoded: inbound?.framesDecoded ?? 0, codec: s.find((r) => r.id === inbound?.codecId)?.mimeType, decoder: inbound?.decoderImplementation, freezes: inbound?.freezeCount ?? 0, all: inbound };
  });
  const shown = async (codec) => {
    let from = -1;
    let last;
    await w.until(`40 pictures in ${codec}`, 20_000, async () => {
      const f = await figures();
      if (f.codec !== codec) from = -1;
      else if (from < 0) from = f.decoded;
      last = f;
      return from >= 0 && f.decoded > from + 40;
    }).catch(async (e) => { await w.ask(JSON.stringify(last)).catch(() => {}); throw e; });
    const seen = await watch(page, 1500);
    const f = await figures();
    // The scene's clock is read from the picture: it is whole, and it is this moment's.
    w.check(seen.clocks.length > 10 && seen.unreadable < seen.frames / 4, `${codec}: the clock was read in ${seen.clocks.length} of ${seen.frames} pictures`);
    w.check(f.codec === codec, `the codec is ${f.codec}, want ${codec}`);
    return { decoder: f.decoder, pictures: seen.frames, read: seen.clocks.length, delayMs: seen.delays[seen.delays.length >> 1], freezes: f.freezes };
  };
  w.measured.h264 = await shown('video/H264');
  await w.shot(page, 'h264');
  await w.ask('break the encoder');
  w.measured.vp8 = await shown('video/VP8');
  await w.ask('mend the encoder');
  w.measured.again = await shown('video/H264');
}

export const scenarios = { h264 };
