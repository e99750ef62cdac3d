// One second of a connection in figures, from the W3C statistics (webrtc-stats).

const ms = (seconds, count) => (count > 0 ? (1000 * seconds) / count : null);
const rate = (now, before, seconds) => (seconds > 0 && before !== undefined && now >= before ? (now - before) / seconds : null);

/**
 * Meter turns RTCPeerConnection.getStats into the sample that edgecam-stats
 * events carry. Counters become rates over the time since the last sample;
 * what is not known is null.
 */
export class Meter {
  #last = null;
  #since = 0;

  reset() { this.#last = null; this.#since = 0; }

  async read(pc) {
    const report = await pc.getStats();
    const by = new Map();
    report.forEach((s) => by.set(s.id, s));
    const find = (test) => [...by.values()].find(test);
    const video = find((s) => s.type === 'inbound-rtp' && s.kind === 'video') ?? {};
    const audio = find((s) => s.type === 'inbound-rtp' && s.kind === 'audio') ?? {};
    const talk = find((s) => s.type === 'outbound-rtp' && s.kind === 'audio') ?? {};
    const transport = find((s) => s.type === 'transport' && s.selectedCandidatePairId);
    const pair = by.get(transport?.selectedCandidatePairId) ?? find((s) => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded') ?? {};
    const local = by.get(pair.localCandidateId) ?? {};
    const remote = by.get(pair.remoteCandidateId) ?? {};
    const at = (video.timestamp ?? audio.timestamp ?? pair.timestamp ?? performance.now()) / 1000;
    if (!this.#since) this.#since = at;
    const was = this.#last ?? { video: {}, audio: {}, talk: {}, at };
    const seconds = at - was.at;
    this.#last = { video, audio, talk, at };

    const rttMs = pair.currentRoundTripTime !== undefined ? 1000 * pair.currentRoundTripTime : null;
    const bufferMs = perItem(video, was.video, 'jitterBufferDelay', 'jitterBufferEmittedCount');
    const decodeMs = perItem(video, was.video, 'totalDecodeTime', 'framesDecoded');
    return {
      seconds: at - this.#since,
      bytesReceived: (video.bytesReceived ?? 0) + (audio.bytesReceived ?? 0),
      delayMs: rttMs !== null && bufferMs !== null ? rttMs / 2 + bufferMs + (decodeMs ?? 0) : null,
      rttMs,
      video: {
        bitrateBps: times8(rate(video.bytesReceived, was.video.bytesReceived, seconds)),
        framesPerSecond: rate(video.framesDecoded, was.video.framesDecoded, seconds),
        framesDecoded: video.framesDecoded ?? 0,
        width: video.frameWidth ?? null,
        height: video.frameHeight ?? null,
        bufferMs,
        decodeMs,
        jitterMs: video.jitter !== undefined ? 1000 * video.jitter : null,
        packetsLost: video.packetsLost ?? 0,
        lossRatio: loss(video, was.video),
        nackCount: video.nackCount ?? 0,
        pliCount: (video.pliCount ?? 0) + (video.firCount ?? 0),
        freezeCount: video.freezeCount ?? null,
        freezeSeconds: video.totalFreezesDuration ?? null,
        codec: codec(by.get(video.codecId)),
        decoder: video.decoderImplementation ?? null,
      },
      audio: {
        bitrateBps: times8(rate(audio.bytesReceived, was.audio.bytesReceived, seconds)),
        bufferMs: perItem(audio, was.audio, 'jitterBufferDelay', 'jitterBufferEmittedCount'),
        jitterMs: audio.jitter !== undefined ? 1000 * audio.jitter : null,
        packetsLost: audio.packetsLost ?? 0,
        lossRatio: loss(audio, was.audio),
        concealedRatio: share(audio, was.audio, 'concealedSamples', 'totalSamplesReceived'),
        level: audio.audioLevel ?? null,
        codec: codec(by.get(audio.codecId)),
      },
      talk: { bitrateBps: times8(rate(talk.bytesSent, was.talk.bytesSent, seconds)), packetsSent: talk.packetsSent ?? 0 },
      path: {
        protocol: local.relayProtocol ? `TURN/${local.relayProtocol}` : local.protocol ?? null,
        localType: local.candidateType ?? null,
        remoteType: remote.candidateType ?? null,
        local: address(local),
        remote: address(remote),
        availableBps: pair.availableIncomingBitrate ?? pair.availableOutgoingBitrate ?? null,
      },
    };
  }
}

const times8 = (bytes) => (bytes === null ? null : 8 * bytes);
const codec = (c) => (c?.mimeType ? c.mimeType.split('/')[1] : null);
const address = (c) => (c.address && c.port ? `${c.address.includes(':') ? `[${c.address}]` : c.address}:${c.port}` : null);

function perItem(now, was, total, count) {
  if (now[count] === undefined) return null;
  return ms((now[total] ?? 0) - (was[total] ?? 0), now[count] - (was[count] ?? 0));
}

function share(now, was, part, whole) {
  const all = (now[whole] ?? 0) - (was[whole] ?? 0);
  return all > 0 ? Math.max(0, (now[part] ?? 0) - (was[part] ?? 0)) / all : null;
}

function loss(now, was) {
  const lost = Math.max(0, (now.packetsLost ?? 0) - (was.packetsLost ?? 0));
  const got = (now.packetsReceived ?? 0) - (was.packetsReceived ?? 0);
  return lost + got > 0 ? lost / (lost + got) : null;
}
