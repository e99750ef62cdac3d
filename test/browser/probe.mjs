// What scenarios run inside the page: reading the scene's clock and judging the sound.

/**
 * watch looks at the video for ms: frames by requestVideoFrameCallback, and the
 * block code of the simulated scene's clock in the top 32 rows (40 cells of 16
 * pixels: 1 0 1 0, 32 bits of Unix milliseconds, 4 bits xor of their nibbles).
 */
export async function watch(page, ms) {
  return page.evaluate(async (ms) => {
    const video = document.querySelector('edge-cam').video;
    const canvas = document.createElement('canvas');
    canvas.width = 640;
    canvas.height = 32;
    const g = canvas.getContext('2d', { willReadFrequently: true });
    const read = () => {
      g.drawImage(video, 0, 0, video.videoWidth, (32 * video.videoWidth) / 640, 0, 0, 640, 32);
      const { data } = g.getImageData(0, 0, 640, 32);
      const bit = (cell) => {
        let sum = 0;
        for (let y = 12; y < 20; y++) for (let x = 5; x < 11; x++) sum += data[4 * (y * 640 + cell * 16 + x) + 1];
        return sum / 48 > 127 ? 1 : 0;
      };
      let clock = 0;
      for (let i = 0; i < 32; i++) clock = 2 * clock + bit(4 + i);
      let check = 0;
      for (let i = 0; i < 8; i++) check ^= Math.floor(clock / 16 ** i) & 15;
      let sent = 0;
      for (let i = 0; i < 4; i++) sent = 2 * sent + bit(36 + i);
      return bit(0) && !bit(1) && bit(2) && !bit(3) && check === sent ? clock : null;
    };
    const out = { frames: 0, unreadable: 0, clocks: [], delays: [], width: 0, height: 0 };
    await new Promise((resolve) => {
      const next = () => {
        out.frames++;
        const now = Date.now();
        const clock = read();
        if (clock === null) out.unreadable++;
        else {
          out.clocks.push(clock);
          out.delays.push(((now % 2 ** 32) - clock + 2 ** 32) % 2 ** 32);
        }
        if (performance.now() < end) video.requestVideoFrameCallback(next);
        else resolve();
      };
      const end = performance.now() + ms;
      video.requestVideoFrameCallback(next);
      setTimeout(resolve, ms + 1000);
    });
    out.width = video.videoWidth;
    out.height = video.videoHeight;
    out.delays.sort((a, b) => a - b);
    return out;
  }, ms);
}

/**
 * flowing watches until a window of two seconds has at least min frames, a few
 * times: a busy test machine may starve a moment, a broken stream starves all.
 */
export async function flowing(page, min = 10) {
  let seen;
  for (let i = 0; i < 8; i++) {
    seen = await watch(page, 2000);
    if (seen.frames >= min) return seen;
  }
  throw new Error(`only ${seen.frames} frames in 2 s`);
}

/** hear measures the received sound's level in dBFS (RMS over ms) with a WebAudio analyser. */
export async function hear(page, ms) {
  return page.evaluate(async (ms) => {
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    const stream = document.querySelector('edge-cam').video.srcObject;
    context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser);
    const block = new Float32Array(analyser.fftSize);
    let sum = 0;
    let count = 0;
    for (const end = performance.now() + ms; performance.now() < end;) {
      await new Promise((r) => setTimeout(r, 30));
      analyser.getFloatTimeDomainData(block);
      for (const s of block) sum += s * s;
      count += block.length;
    }
    await context.close();
    return 10 * Math.log10(sum / count + 1e-12);
  }, ms);
}

/**
 * hearTones measures tones in the received sound: their levels in dBFS, averaged
 * over ms, by Goertzel's algorithm on an analyser's blocks.
 */
export async function hearTones(page, ms, frequencies) {
  return page.evaluate(async ([ms, frequencies]) => {
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 4096;
    const stream = document.querySelector('edge-cam').video.srcObject;
    context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser);
    const block = new Float32Array(analyser.fftSize);
    const window = block.map((_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / block.length));
    const sums = frequencies.map(() => 0);
    let blocks = 0;
    for (const end = performance.now() + ms; performance.now() < end;) {
      await new Promise((r) => setTimeout(r, 40));
      analyser.getFloatTimeDomainData(block);
      blocks++;
      for (const [k, hz] of frequencies.entries()) {
        const c = 2 * Math.cos((2 * Math.PI * hz) / context.sampleRate);
        let a = 0;
        let b = 0;
        for (let i = 0; i < block.length; i++) [a, b] = [block[i] * window[i] + c * a - b, a];
        // Hann's window has a mean of one half; a sine of amplitude A gives (A·n/4)².
        sums[k] += ((a * a + b * b - c * a * b) * 8) / block.length ** 2;
      }
    }
    await context.close();
    return sums.map((s) => 10 * Math.log10(s / blocks + 1e-12));
  }, [ms, frequencies]);
}

/** stats returns the next sample of the element's statistics that has rates. */
export async function stats(page) {
  return page.evaluate(() => new Promise((resolve, reject) => {
    const camera = document.querySelector('edge-cam');
    const timer = setTimeout(() => reject(new Error('no statistics within 6 s')), 6000);
    const seen = (e) => {
      if (!e.detail.video.bitrateBps || !e.detail.audio.bitrateBps) return;
      clearTimeout(timer);
      camera.removeEventListener('edgecam-stats', seen);
      resolve(e.detail);
    };
    camera.addEventListener('edgecam-stats', seen);
  }));
}

/** speaker returns the loudest tone that the node's simulated speaker played while ms passed. */
export async function speaker(world, ms) {
  let best = { tone_dbfs: -Infinity, level_dbfs: -Infinity };
  for (const end = Date.now() + ms; Date.now() < end;) {
    const now = await world.api('GET', `/api/sim/speaker?hz=${world.options.toneHz}`);
    if (now.tone_dbfs > best.tone_dbfs) best = now;
    await world.sleep(150);
  }
  return best;
}
