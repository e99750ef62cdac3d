// The microphone is asked for at the first talk, not before, and given back
// when nobody has talked for a while, so that the browser's recording sign and
// the telephone's headset mode do not stay on.

const idleMs = 30_000;

/** MicrophoneError carries the key of a text. */
export class MicrophoneError extends Error {
  constructor(key, cause) {
    super(key, { cause });
    this.name = 'MicrophoneError';
    this.key = key;
  }
}

const reasons = {
  NotAllowedError: 'micDenied',
  SecurityError: 'micDenied',
  NotFoundError: 'micMissing',
  OverconstrainedError: 'micMissing',
  NotReadableError: 'micBusy',
  AbortError: 'micBusy',
};

export class Microphone {
  #stream = null;
  #asking = null;
  #timer = 0;

  /** ended is called when the device goes away while in use. */
  constructor(ended) {
    this.ended = ended;
  }

  /** ready says whether acquire will answer without asking anybody. */
  get ready() { return this.#stream?.getAudioTracks()[0]?.readyState === 'live'; }

  /** acquire returns a live audio track. */
  async acquire() {
    clearTimeout(this.#timer);
    if (!globalThis.isSecureContext || !navigator.mediaDevices) throw new MicrophoneError('micInsecure');
    if (!this.ready) {
      this.#asking ??= navigator.mediaDevices
        .getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 } })
        .finally(() => { this.#asking = null; });
      try {
        this.#stream = await this.#asking;
      } catch (cause) {
        throw new MicrophoneError(reasons[cause.name] ?? 'micFailed', cause);
      }
      const [track] = this.#stream.getAudioTracks();
      track.contentHint = 'speech';
      track.onended = () => { this.release(); this.ended(); };
    }
    return this.#stream.getAudioTracks()[0];
  }

  /** rest keeps the microphone for a while, for the next word, then gives it back. */
  rest() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.release(), idleMs);
  }

  release() {
    clearTimeout(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.#stream = null;
  }
}
