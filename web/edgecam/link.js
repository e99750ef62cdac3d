// Link keeps one viewer connected: it opens sessions, restarts ICE when the
// network changes under a session, and begins anew when the session is gone.
// Options: talk, and signalling, which makes sessions with open, trickle, restart
// and close (WhepSignalling, BrokerSignalling, or a page's own).

import { WhepError, withNewIce } from './whep.js';

const firstRetryMs = 400;
const longestRetryMs = 15_000;
const answerTimeoutMs = 10_000;
const connectTimeoutMs = 12_000;
const restartTimeoutMs = 12_000; // the node holds a session for 20 s without a sign of life
const restartAnswerMs = 2_000; // for the first answer; a connection may have died with the old network. Each next one gets as much more
const restartAgainMs = 300; // a request that did not get through while the network changes is repeated
const graceMs = 1_000; // a connection that blips gets this long before an ICE restart
const silenceMs = 4_000; // no bytes for this long on a connected session: look after it

/** withTimeout aborts after ms, and when the outer signal does. */
const withTimeout = (signal, ms) => AbortSignal.any([signal, AbortSignal.timeout(ms)]);

/**
 * States: idle, connecting, connected, reconnecting, waiting (detail.until),
 * offline, denied, failed, closed. Handlers: state(name, detail), track(event),
 * message(object), error(error), leaving() before a session is taken down.
 */
export class Link {
  #options;
  #on;
  #session = null;
  #pc = null;
  #channel = null;
  #stop = null; // AbortController of the running session
  #tries = 0;
  #timers = new Set();
  #retryTimer = 0;
  #iceServers = [];
  #bytes = { count: -1, at: 0, nudged: false };
  #restarting = null; // what marks the running restart
  #network = globalThis.navigator?.connection;
  #networkType;

  constructor(options, handlers) {
    this.#options = options;
    this.#on = handlers;
    this.state = 'idle';
    this.audio = null; // the audio transceiver, once there is a session
  }

  get pc() { return this.#pc; }
  get open() { return this.#channel?.readyState === 'open'; }

  /** connect starts, and keeps on trying until close. */
  connect() {
    if (this.state !== 'idle' && this.state !== 'closed' && this.state !== 'denied' && this.state !== 'failed') return;
    this.#tries = 0;
    this.#watch(true);
    this.#begin('connecting');
  }

  /** retry tries now instead of after the back-off. */
  retry() {
    if (this.state === 'waiting' || this.state === 'offline') this.#begin('reconnecting');
    else if (this.state === 'failed' || this.state === 'denied') this.connect();
  }

  close() {
    this.#watch(false);
    this.#drop();
    this.#options.signalling.close();
    this.#set('closed');
  }

  /** send puts an object on the data channel; false if it is not open. */
  send(message) {
    if (!this.open) return false;
    this.#channel.send(JSON.stringify(message));
    return true;
  }

  /** received is told the bytes received so far, each second; silence is acted upon. */
  received(count) {
    const now = performance.now();
    if (count !== this.#bytes.count) {
      if (this.#bytes.count >= 0 && count > 0) this.#tries = 0;
      this.#bytes = { count, at: now, nudged: false };
      return;
    }
    if (this.state !== 'connected' || document.visibilityState === 'hidden' || this.#restarting) return;
    if (now - this.#bytes.at > 3 * silenceMs) this.#again();
    else if (now - this.#bytes.at > silenceMs && !this.#bytes.nudged) {
      this.#bytes.nudged = true;
      this.#restart();
    }
  }

  #set(state, detail) {
    this.state = state;
    this.#on.state(state, detail);
  }

  #later(ms, fn) {
    const id = setTimeout(() => { this.#timers.delete(id); fn(); }, ms);
    this.#timers.add(id);
    return id;
  }

  #drop() {
    if (this.#pc) this.#on.leaving();
    clearTimeout(this.#retryTimer);
    for (const id of this.#timers) clearTimeout(id);
    this.#timers.clear();
    this.#stop?.abort();
    this.#session?.close();
    if (this.#pc) {
      this.#pc.onconnectionstatechange = this.#pc.ontrack = this.#pc.onicecandidate = null;
      if (this.#channel) this.#channel.onclose = this.#channel.onmessage = this.#channel.onopen = null;
      this.#pc.close();
    }
    this.#pc = this.#session = this.#channel = this.audio = null;
    this.#restarting = null;
    this.#bytes = { count: -1, at: performance.now(), nudged: false };
  }

  #begin(state) {
    this.#drop();
    this.#set(state);
    const stop = new AbortController();
    this.#stop = stop;
    this.#start(stop.signal).catch((error) => {
      if (!stop.signal.aborted) this.#failed(error);
    });
  }

  #failed(error) {
    this.#drop();
    this.#on.error(error);
    if (error.status === 401 || error.status === 403) {
      this.#watch(false);
      this.#set('denied', { error });
      return;
    }
    // A request the device does not understand will not get better by repeating it quickly.
    const hopeless = error.status >= 400 && error.status < 500 && error.status !== 429;
    const base = hopeless ? longestRetryMs : Math.min(longestRetryMs, firstRetryMs * 2 ** this.#tries);
    const ms = Math.max(base * (0.5 + Math.random() / 2), (error.retryAfter ?? 0) * 1000);
    this.#tries++;
    const offline = navigator.onLine === false;
    this.#set(offline ? 'offline' : 'waiting', { error, until: Date.now() + ms });
    this.#retryTimer = setTimeout(() => this.#begin('reconnecting'), ms);
  }

  /** again begins a new session at once, or after the back-off if that happens over and over. */
  #again() {
    if (this.#tries > 1) this.#failed(new WhepError('ice'));
    else {
      this.#tries++;
      this.#begin('reconnecting');
    }
  }

  async #start(signal) {
    if (typeof RTCPeerConnection === 'undefined') throw new WhepError('browser', { status: 400 });
    const session = (this.#session = this.#options.signalling.session());
    const pc = (this.#pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: this.#iceServers }));
    const channel = (this.#channel = pc.createDataChannel('edgecam', { ordered: true }));
    const video = pc.addTransceiver('video', { direction: 'recvonly' });
    // The microphone's place is agreed now, empty: talking later is replaceTrack, without another round of signalling.
    this.audio = pc.addTransceiver('audio', { direction: this.#options.talk ? 'sendrecv' : 'recvonly' });
    for (const { receiver } of [video, this.audio]) playAtOnce(receiver);

    pc.ontrack = (e) => this.#on.track(e);
    pc.onconnectionstatechange = () => this.#connectionChanged(pc);
    channel.onopen = () => this.#on.state(this.state, {});
    channel.onclose = () => { if (pc === this.#pc) this.#again(); };
    channel.onmessage = (e) => {
      let message;
      try { message = JSON.parse(e.data); } catch { return; }
      if (!message || typeof message !== 'object') return;
      if (message.type === 'network') this.#restart(); // the node has other addresses
      else this.#on.message(message);
    };

    const trickle = new Trickle(pc, session);
    this.trickle = trickle;
    await pc.setLocalDescription();
    const answer = await session.open(pc.localDescription.sdp, withTimeout(signal, answerTimeoutMs));
    if (signal.aborted) { session.close(); return; }
    const servers = session.iceServers.filter((s) => !this.#iceServers.some((k) => JSON.stringify(k) === JSON.stringify(s)));
    if (servers.length > 0) {
      this.#iceServers = session.iceServers;
      pc.setConfiguration({ ...pc.getConfiguration(), iceServers: this.#iceServers });
      // Gathering began without these servers. Where the direct way is shut, a restart gathers with them.
      this.#later(2_000, () => { if (pc === this.#pc && this.state !== 'connected') this.#restart(); });
    }
    try {
      await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    } catch (cause) {
      throw new WhepError('answer', { cause, status: 422 });
    }
    trickle.ready();
    this.#later(connectTimeoutMs, () => { if (pc === this.#pc && this.state !== 'connected') this.#failed(new WhepError('ice')); });
  }

  #connectionChanged(pc) {
    if (pc !== this.#pc) return;
    switch (pc.connectionState) {
      case 'connected':
        this.#restarting = null;
        this.#bytes.at = performance.now();
        this.#set('connected');
        break;
      case 'disconnected':
        this.#set('reconnecting');
        this.#later(graceMs, () => { if (pc === this.#pc && pc.connectionState === 'disconnected') this.#restart(); });
        break;
      case 'failed':
        if (!this.#restarting) this.#again();
        break;
      default:
    }
  }

  /** restart is an ICE restart inside the session; if the device does not know the session any more, a new one is begun. */
  async #restart() {
    const pc = this.#pc;
    if (!pc || this.#restarting || pc.signalingState !== 'stable') return;
    const mine = (this.#restarting = Symbol('restart'));
    const running = () => pc === this.#pc && this.#restarting === mine;
    this.#later(restartTimeoutMs, () => { if (running()) this.#again(); });
    const { signal } = this.#stop;
    for (let wait = restartAnswerMs; running(); wait += restartAnswerMs) {
      try {
        this.trickle.hold();
        pc.restartIce();
        await pc.setLocalDescription();
        const frag = await this.#session.restart(pc.localDescription.sdp, this.trickle.take(), withTimeout(signal, wait));
        if (pc !== this.#pc) return;
        await pc.setRemoteDescription({ type: 'answer', sdp: withNewIce(pc.remoteDescription.sdp, frag) });
        this.trickle.ready();
        if (pc.connectionState === 'connected' && running()) this.#restarting = null;
        return;
      } catch (error) {
        if (pc !== this.#pc) return;
        if (!unanswered(error)) return this.#again();
        await pc.setLocalDescription({ type: 'rollback' }).catch(() => {}); // else no later restart could begin
        await new Promise((resolve) => setTimeout(resolve, restartAgainMs));
      }
    }
  }

  #watch(on) {
    const act = on ? 'addEventListener' : 'removeEventListener';
    globalThis[act]('online', this.#online);
    globalThis[act]('offline', this.#offline);
    document[act]('visibilitychange', this.#visible);
    this.#network?.[act]?.('change', this.#networkChanged);
    this.#networkType = this.#network?.type;
  }

  #online = () => {
    if (this.state === 'connected') this.#restart();
    else this.retry();
  };

  #offline = () => {
    if (this.state === 'waiting') this.#set('offline', {});
  };

  #visible = () => {
    if (document.visibilityState !== 'visible') return;
    this.#bytes.at = performance.now();
    if (this.#pc && ['disconnected', 'failed'].includes(this.#pc.connectionState)) this.#restart();
    else this.retry();
  };

  // The change event also tells of mere bandwidth estimates; only another kind of network matters.
  #networkChanged = () => {
    const type = this.#network.type;
    if (type === undefined || type === this.#networkType) return;
    this.#networkType = type;
    if (type !== 'none') this.#online();
  };
}

/** unanswered says that a request did not get through, which a network that is changing explains. */
const unanswered = (error) => error instanceof TypeError || error.name === 'TimeoutError' || (error instanceof WhepError && ['network', 'noAnswer'].includes(error.message));

/** Trickle gathers local candidates and sends them in few requests, once the session exists. */
class Trickle {
  #pending = [];
  #end = false;
  #open = false;
  #timer = 0;

  constructor(pc, session) {
    this.pc = pc;
    this.session = session;
    pc.onicecandidate = (e) => {
      if (e.candidate?.candidate) this.#pending.push(e.candidate.candidate);
      else if (!e.candidate) this.#end = true;
      if (this.#open && !this.#timer) this.#timer = setTimeout(() => this.#flush(), 40);
    };
  }

  hold() { this.#open = false; this.#pending = []; this.#end = false; }
  take() { return this.#pending.splice(0); }
  ready() { this.#open = true; this.#flush(); }

  #flush() {
    this.#timer = 0;
    if (!this.#open || (this.#pending.length === 0 && !this.#end) || this.pc.signalingState === 'closed') return;
    const end = this.#end;
    this.#end = false;
    this.session.trickle(this.pc.localDescription.sdp, this.take(), end);
  }
}

/** playAtOnce asks for the smallest jitter buffer, under the names that browsers have for it. */
function playAtOnce(receiver) {
  try {
    if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
    else if ('playoutDelayHint' in receiver) receiver.playoutDelayHint = 0;
  } catch {
    // Some versions refuse 0; the node's playout-delay header extension asks for the same.
  }
}
