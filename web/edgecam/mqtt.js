// A small MQTT client for browsers: MQTT 3.1.1 (OASIS standard, 29 October 2014)
// over WebSocket, clean sessions, QoS 0 and 1. It keeps one connection and its
// subscriptions standing until it is closed. Section numbers are the standard's.

const CONNECT = 1, CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBSCRIBE = 8, SUBACK = 9, PINGREQ = 12, PINGRESP = 13, DISCONNECT = 14;

const maxPacket = 256 << 10; // bytes of one packet from the broker
const maxWaiting = 32; // messages that wait for their acknowledgement
const maxTries = 3; // connections on which a message is sent
const openTimeoutMs = 10_000;
const firstRetryMs = 500;
const longestRetryMs = 30_000;

// Return codes of CONNACK (3.2.2.3) that another try does not mend.
const refusals = { 1: 'protocol version', 2: 'client identifier', 4: 'user name or password', 5: 'not authorized' };

/** MqttError says what is wrong between this page and the broker; refused: the broker does not want this client. */
export class MqttError extends Error {
  constructor(message, { refused = false, cause } = {}) {
    super(`MQTT: ${message}`, { cause });
    this.name = 'MqttError';
    this.refused = refused;
  }
}

const utf8 = new TextEncoder();

/** string is a length of two bytes and UTF-8 (1.5.3); bytes are taken as they are. */
function string(value) {
  const b = typeof value === 'string' ? utf8.encode(value) : value;
  if (b.length > 65_535) throw new MqttError('a string is longer than 65535 bytes');
  return [b.length >> 8, b.length & 255, ...b];
}

/** packet makes a control packet (2.2) of its type, flags, and parts of its body. */
export function packet(type, flags, ...parts) {
  let length = 0;
  for (const p of parts) length += p.length;
  const head = [(type << 4) | flags];
  let rest = length;
  do {
    head.push((rest & 127) | (rest > 127 ? 128 : 0));
    rest >>= 7;
  } while (rest > 0);
  const out = new Uint8Array(head.length + length);
  out.set(head);
  let at = head.length;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** Parser cuts the broker's bytes, which WebSocket frames may divide anywhere, into packets. */
export class Parser {
  #have = new Uint8Array(0);

  /** push returns the packets {type, flags, body} that are complete now; it throws at what is none. */
  push(bytes) {
    let b = bytes;
    if (this.#have.length > 0) {
      b = new Uint8Array(this.#have.length + bytes.length);
      b.set(this.#have);
      b.set(bytes, this.#have.length);
    }
    const packets = [];
    for (;;) {
      let length = 0;
      let at = 1;
      let whole = false;
      for (let shift = 0; at < b.length && !whole; shift += 7) {
        if (shift > 21) throw new MqttError('a remaining length has more than four bytes (2.2.3)');
        length |= (b[at] & 127) << shift;
        whole = b[at++] < 128;
      }
      if (length > maxPacket) throw new MqttError(`a packet of ${length} bytes, the limit is ${maxPacket}`);
      if (!whole || b.length < at + length) break;
      packets.push({ type: b[0] >> 4, flags: b[0] & 15, body: b.subarray(at, at + length) });
      b = b.subarray(at + length);
    }
    this.#have = b.slice();
    return packets;
  }
}

/** parsePublish reads a PUBLISH (3.3): {topic, payload, qos, retained, id}. */
export function parsePublish({ flags, body }) {
  const qos = (flags >> 1) & 3;
  const end = body.length < 2 ? Infinity : 2 + body[0] * 256 + body[1];
  const start = end + (qos > 0 ? 2 : 0);
  if (qos > 1 || start > body.length) throw new MqttError('a PUBLISH is malformed, or of QoS 2');
  return {
    topic: new TextDecoder().decode(body.subarray(2, end)),
    payload: body.slice(start),
    qos,
    retained: (flags & 1) === 1,
    id: qos > 0 ? body[end] * 256 + body[end + 1] : 0,
  };
}

/**
 * Mqtt is a connection to a broker. Options: url (ws: or wss:), username,
 * password, clientId, filters (subscribed with QoS 1), keepAliveS. Handlers:
 * message({topic, payload, retained}), state('up' or 'down', error).
 */
export class Mqtt {
  #options;
  #on;
  #socket = null;
  #up = false;
  #closed = true;
  #refused = null;
  #tries = 0;
  #nextId = 0;
  #waiting = new Map(); // packet identifier -> {topic, bytes, done, failed, tries}
  #hopes = new Set(); // who waits in ready
  #retryTimer = 0;
  #openTimer = 0;
  #aliveTimer = 0;
  #heard = false;

  constructor(options, handlers = {}) {
    this.#options = { keepAliveS: 30, filters: [], ...options };
    this.#on = handlers;
  }

  get up() { return this.#up; }

  /** connect starts, or tries now instead of later; it keeps on trying until close, or until the broker refuses this client. */
  connect() {
    if (!this.#closed) {
      this.#online();
      return;
    }
    this.#closed = false;
    this.#refused = null;
    this.#tries = 0;
    globalThis.addEventListener?.('online', this.#online);
    this.#dial();
  }

  /** ready resolves when the connection and its subscriptions stand. */
  ready(signal) {
    if (this.#up) return Promise.resolve();
    if (this.#refused) return Promise.reject(this.#refused);
    return new Promise((resolve, reject) => {
      const hope = (error) => {
        this.#hopes.delete(hope);
        signal?.removeEventListener('abort', abort);
        error ? reject(error) : resolve();
      };
      const abort = () => hope(signal.reason);
      if (signal?.aborted) { reject(signal.reason); return; }
      signal?.addEventListener('abort', abort);
      this.#hopes.add(hope);
    });
  }

  /**
   * publish sends a message. With QoS 1 the promise resolves when the broker has
   * it; what a lost connection left open is sent again on the next.
   */
  async publish(topic, payload, qos = 0) {
    const bytes = typeof payload === 'string' ? utf8.encode(payload) : payload;
    if (qos === 0) {
      if (!this.#up) throw new MqttError('not connected');
      this.#send(packet(PUBLISH, 0, string(topic), bytes));
      return;
    }
    if (this.#closed) throw new MqttError('closed');
    if (this.#waiting.size >= maxWaiting) throw new MqttError('too many messages wait for the broker');
    const id = this.#id();
    await new Promise((done, failed) => {
      this.#waiting.set(id, { topic, bytes, done, failed, tries: 0 });
      if (this.#up) this.#sendWaiting(id);
    });
  }

  /** close says goodbye, so that the broker does not wait for this client, and gives up what waits. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    globalThis.removeEventListener?.('online', this.#online);
    if (this.#up) this.#send(packet(DISCONNECT, 0));
    this.#drop(new MqttError('closed'));
    this.#giveUp(new MqttError('closed'));
  }

  // ---- one connection

  #dial() {
    clearTimeout(this.#retryTimer);
    let socket;
    try {
      socket = new WebSocket(this.#options.url, ['mqtt']); // the sub-protocol's name (6)
    } catch (cause) {
      this.#giveUp(this.#refused = new MqttError('the broker’s address is wrong, or this page may not connect to it', { refused: true, cause }));
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    const parser = new Parser();
    const mine = (fn) => (event) => {
      if (socket !== this.#socket) return;
      try {
        fn(event);
      } catch (error) {
        this.#lost(error);
      }
    };
    socket.onopen = mine(() => this.#hello());
    socket.onmessage = mine(({ data }) => {
      if (!(data instanceof ArrayBuffer)) throw new MqttError('the broker sends text'); // 6, MQTT-6.0.0-1
      this.#heard = true;
      for (const p of parser.push(new Uint8Array(data))) if (socket === this.#socket) this.#packet(p);
    });
    socket.onclose = mine(() => this.#lost(new MqttError('the connection to the broker ended')));
    this.#openTimer = setTimeout(() => this.#lost(new MqttError('the broker does not answer')), openTimeoutMs);
  }

  #hello() {
    const { username, password, clientId, keepAliveS } = this.#options;
    // 3.1.2.3; a password needs a user name (MQTT-3.1.2-22).
    const named = (username ?? '') !== '' || (password ?? '') !== '';
    const secret = (password ?? '') !== '';
    const flags = 2 | (named ? 128 : 0) | (secret ? 64 : 0);
    this.#send(packet(CONNECT, 0, string('MQTT'), [4, flags, keepAliveS >> 8, keepAliveS & 255], string(clientId ?? ''),
      named ? string(username ?? '') : [], secret ? string(password) : []));
  }

  #packet({ type, flags, body }) {
    switch (type) {
      case CONNACK:
        if (body.length !== 2 || this.#up) throw new MqttError('a CONNACK is malformed');
        if (body[1] !== 0) {
          const refused = body[1] in refusals;
          throw new MqttError(`the broker refuses the connection (${refusals[body[1]] ?? `code ${body[1]}`})`, { refused });
        }
        if (this.#options.filters.length === 0) this.#stands();
        else {
          const id = this.#id();
          this.#send(packet(SUBSCRIBE, 2, [id >> 8, id & 255], ...this.#options.filters.map((f) => [...string(f), 1])));
        }
        break;
      case SUBACK:
        if (body.subarray(2).some((code) => code > 1)) throw new MqttError('the broker refuses a subscription', { refused: true });
        this.#stands();
        break;
      case PUBLISH: {
        const m = parsePublish({ flags, body });
        if (m.qos > 0) this.#send(packet(PUBACK, 0, [m.id >> 8, m.id & 255]));
        this.#on.message?.(m);
        break;
      }
      case PUBACK: {
        const id = body[0] * 256 + body[1];
        const waits = this.#waiting.get(id);
        this.#waiting.delete(id);
        waits?.done();
        break;
      }
      case PINGRESP:
        break;
      default:
        throw new MqttError(`a packet of type ${type} from the broker`);
    }
  }

  #stands() {
    clearTimeout(this.#openTimer);
    this.#up = true;
    this.#tries = 0;
    this.#stayAlive();
    // The session is a new one, so what was not acknowledged is a new message (no DUP).
    for (const id of [...this.#waiting.keys()]) this.#sendWaiting(id);
    for (const hope of [...this.#hopes]) hope(null);
    this.#on.state?.('up');
  }

  /** stayAlive asks for a sign of life twice per keep-alive time (3.1.2.10), and ends a connection that gave none. */
  #stayAlive() {
    this.#aliveTimer = setInterval(() => {
      if (!this.#heard) {
        this.#lost(new MqttError('the broker is silent'));
        return;
      }
      this.#heard = false;
      this.#send(packet(PINGREQ, 0));
    }, this.#options.keepAliveS * 500);
  }

  #send(bytes) { this.#socket?.send(bytes); }

  #sendWaiting(id) {
    const waits = this.#waiting.get(id);
    if (waits.tries++ === maxTries) {
      this.#waiting.delete(id);
      waits.failed(new MqttError('the broker does not acknowledge a message'));
      return;
    }
    const { topic, bytes } = waits;
    this.#send(packet(PUBLISH, 2, string(topic), [id >> 8, id & 255], bytes));
  }

  /** id returns a packet identifier that is not in use; 0 is none (2.3.1). */
  #id() {
    do this.#nextId = (this.#nextId % 65_535) + 1; while (this.#waiting.has(this.#nextId));
    return this.#nextId;
  }

  #drop(error) {
    for (const timer of [this.#retryTimer, this.#openTimer, this.#aliveTimer]) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    if (!this.#up) return;
    this.#up = false;
    this.#on.state?.('down', error);
  }

  #lost(error) {
    this.#drop(error);
    if (error.refused) {
      this.#refused = error;
      this.#giveUp(error);
      return;
    }
    const ms = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#tries++) * (0.5 + Math.random() / 2);
    this.#retryTimer = setTimeout(() => this.#dial(), ms);
  }

  #giveUp(error) {
    this.#closed = true;
    for (const hope of [...this.#hopes]) hope(error);
    for (const { failed } of this.#waiting.values()) failed(error);
    this.#waiting.clear();
  }

  #online = () => {
    if (this.#socket === null && !this.#closed) this.#dial();
  };
}
