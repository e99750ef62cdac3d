// Talk-back: push to talk, or an open microphone, on the audio transceiver that
// the session agreed on at its start.

import { Microphone, MicrophoneError } from './microphone.js';

/**
 * Talk keeps what the user wants (nothing, 'hold' or 'open') apart from what is
 * (state: 'off', 'starting', 'on'), because the microphone may take a while, and
 * the connection may be made anew under an open microphone.
 */
export class Talk {
  #want = null;
  #link;
  #on;
  #mic;

  /** link() returns the current Link; on has changed(state, mode), failed(key, values), ready(). */
  constructor(link, on) {
    this.#link = link;
    this.#on = on;
    this.#mic = new Microphone(() => { this.stop(); this.#on.failed('micMissing'); });
    this.state = 'off';
  }

  get mode() { return this.#want; }

  /** allowed says whether the device agreed to hear this viewer. */
  get allowed() {
    const direction = this.#link()?.audio?.currentDirection;
    return direction === 'sendrecv' || direction === 'sendonly';
  }

  async start(mode) {
    const before = this.#want;
    this.#want = mode;
    if (this.state !== 'off') {
      if (before !== mode) this.#set(this.state);
      return;
    }
    const link = this.#link();
    if (link?.state !== 'connected') return this.#refuse('talkNotConnected');
    if (!this.allowed) return this.#refuse('talkNotAllowed');
    const asked = !this.#mic.ready;
    this.#set('starting');
    try {
      const track = await this.#mic.acquire();
      if (this.#want === null) { // let go while the browser was asking
        this.#mic.rest();
        this.#set('off');
        if (asked) this.#on.ready();
        return;
      }
      await this.#attach(track);
    } catch (error) {
      if (this.#want === null && this.state === 'off') return;
      if (error instanceof MicrophoneError) this.#refuse(error.key, { error: error.cause?.message ?? '' });
      else this.#refuse('micFailed', { error: error.message });
    }
  }

  stop() {
    if (this.#want === null && this.state === 'off') return;
    this.#want = null;
    if (this.state !== 'on') return; // start() finishes the job when the microphone answers
    const link = this.#link();
    link?.audio?.sender.replaceTrack(null).catch(() => {});
    link?.send({ type: 'talk', on: false });
    this.#mic.rest();
    this.#set('off');
  }

  /** resume puts an open microphone on a new session; a hold does not outlive its session. */
  async resume() {
    if (this.state !== 'on') return;
    if (this.#want !== 'open' || !this.allowed) return this.lost();
    try {
      await this.#attach(await this.#mic.acquire());
    } catch {
      this.lost();
    }
  }

  /** lost ends talking because the device or the network did. */
  lost() {
    this.#want = null;
    if (this.state === 'on') {
      this.#link()?.audio?.sender.replaceTrack(null).catch(() => {});
      this.#mic.rest();
      this.#set('off');
    }
  }

  release() {
    this.stop();
    this.#mic.release();
  }

  async #attach(track) {
    const link = this.#link();
    if (!link?.audio) throw new MicrophoneError('talkNotConnected');
    link.send({ type: 'talk', on: true });
    await link.audio.sender.replaceTrack(track);
    this.#set('on');
    // Let go between the two: undo it.
    if (this.#want === null) {
      this.#want = 'hold';
      this.stop();
    }
  }

  #refuse(key, values) {
    this.#want = null;
    this.#set('off');
    this.#on.failed(key, values);
  }

  #set(state) {
    this.state = state;
    this.#on.changed(state, this.#want);
  }
}
