// Sessions whose signalling goes through an MQTT broker, for a viewer that cannot
// reach the node's web server (docs/signalling.md). BrokerSession has the methods
// of WhepSession.

import { Dialog } from './dialog.js';
import { Mqtt } from './mqtt.js';
import { viewerKey } from './viewerkey.js';
import { WhepError, fragment } from './whep.js';

const goodbyeMs = 2_000; // how long the connection outlives its last session
const maxUnread = 64; // messages that wait to be verified

/**
 * BrokerSignalling makes sessions over one connection to a broker. Options: url
 * (wss://broker/mqtt), username, password, grant (what `edgecam fleet grant`
 * printed), key (a CryptoKeyPair; without one this browser's own, see viewerKey).
 */
export class BrokerSignalling {
  #options;
  #mqtt = null;
  #sessions = new Set();
  #goodbyes = new Set();
  #unread = 0;
  #turn = Promise.resolve();

  constructor(options) { this.#options = options; }

  session() { return new BrokerSession(this); }

  /** close ends the connection, once its sessions have said goodbye. */
  close() {
    const mqtt = this.#mqtt;
    this.#mqtt = null;
    const late = new Promise((resolve) => { setTimeout(resolve, goodbyeMs); });
    Promise.race([Promise.allSettled([...this.#goodbyes]), late]).then(() => mqtt?.close());
  }

  /** begin returns a new session's dialog and connection, once the broker can be talked to. */
  async begin(session, signal) {
    if (!globalThis.crypto?.subtle) throw new WhepError('insecure', { status: 400 });
    const pair = await (this.#options.key ?? viewerKey());
    const dialog = await Dialog.begin(this.#options.grant, pair);
    this.#mqtt ??= new Mqtt({
      url: this.#options.url, username: this.#options.username, password: this.#options.password,
      // Access rules of brokers go by such names; two windows must not throw each other out.
      clientId: `viewer-${crypto.randomUUID().slice(0, 13)}`, filters: [dialog.up],
    }, { message: (m) => this.#message(m) });
    const mqtt = this.#mqtt;
    mqtt.connect();
    try {
      await mqtt.ready(signal);
    } catch (cause) {
      throw new WhepError(cause.refused ? 'brokerRefused' : 'broker', { status: cause.refused ? 403 : 0, cause });
    }
    this.#sessions.add(session);
    return { dialog, mqtt };
  }

  /** end forgets a session that has ended; goodbye is the promise of its last message. */
  end(session, goodbye) {
    this.#sessions.delete(session);
    this.#goodbyes.add(goodbye);
    goodbye.finally(() => this.#goodbyes.delete(goodbye));
  }

  /** message hands on in the order of arrival, which verifying must not change. */
  #message({ payload, retained }) {
    if (retained || this.#unread >= maxUnread) return;
    this.#unread++;
    this.#turn = this.#turn.then(async () => {
      for (const s of [...this.#sessions]) await s.take(payload);
    }).finally(() => { this.#unread--; });
  }
}

/** BrokerSession is one session on the node. */
export class BrokerSession {
  #signalling;
  #dialog = null;
  #mqtt = null;
  #waits = null;
  #live = false;
  iceServers = [];

  constructor(signalling) { this.#signalling = signalling; }

  /** open sends the offer and returns the answer's SDP. */
  async open(offer, signal) {
    ({ dialog: this.#dialog, mqtt: this.#mqtt } = await this.#signalling.begin(this, signal));
    const reply = await this.#answered('offer', offer, signal);
    if (reply.type === 'error') throw new WhepError(String(reply.error), { status: 503 });
    this.#live = true;
    this.iceServers = Array.isArray(reply.ice) ? reply.ice : [];
    return reply.sdp;
  }

  /** trickle sends local candidates. */
  async trickle(sdp, candidates, end) {
    if (this.#live) await this.#say('candidates', fragment(sdp, candidates, end)).catch(() => {});
  }

  /** restart sends new credentials; it returns the answer's fragment, or throws when the session is gone. */
  async restart(sdp, candidates, signal) {
    if (!this.#live) throw new WhepError('the session is over');
    const reply = await this.#answered('restart', fragment(sdp, candidates, false), signal);
    if (reply.type !== 'answer') throw new WhepError(String(reply.error), { status: 409 });
    return reply.sdp;
  }

  close() {
    const goodbye = this.#live ? this.#say('bye').catch(() => {}) : Promise.resolve();
    this.#live = false;
    this.#signalling.end(this, goodbye);
  }

  /** take looks at a message that came for this viewer. */
  async take(payload) {
    const body = await this.#dialog.reply(payload);
    if (!body) return;
    if (body.type === 'bye') this.#live = false; // the peer connection tells the rest
    else this.#waits?.(body);
  }

  async #answered(type, sdp, signal) {
    const reply = await this.#ask(type, sdp, signal);
    // A node whose clock is not set names the nonce of its connection instead, once for each.
    return reply.type === 'error' && reply.nonce ? this.#ask(type, sdp, signal) : reply;
  }

  async #say(type, sdp) { await this.#mqtt.publish(this.#dialog.down, await this.#dialog.request(type, sdp), 1); }

  async #ask(type, sdp, signal) {
    let abort;
    const answered = new Promise((resolve, reject) => {
      this.#waits = resolve;
      // Whom a node does not know, or does not let in, it does not answer.
      abort = () => reject(new WhepError('noAnswer', { cause: signal.reason }));
      signal.addEventListener('abort', abort);
    });
    answered.catch(() => {});
    try {
      await Promise.race([this.#say(type, sdp), answered]);
      return await answered;
    } finally {
      this.#waits = null;
      signal.removeEventListener('abort', abort);
    }
  }
}
