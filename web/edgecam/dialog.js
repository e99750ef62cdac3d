// One session's messages over a broker, the viewer's side (docs/signalling.md):
// what is asked is signed with the viewer's key, and of what comes only what the
// granted node has signed for this session is believed. No I/O.

import { WhepError } from './whep.js';

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' };
const withSha256 = { name: 'ECDSA', hash: 'SHA-256' };
const utf8 = new TextEncoder();
const maxMessage = 112 << 10; // characters of a message

export function toBase64(bytes) {
  let s = '';
  for (const b of bytes) s += String.fromCharCode(b);
  return btoa(s);
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

function joined(context, payload) {
  const head = utf8.encode(context);
  const out = new Uint8Array(head.length + payload.length);
  out.set(head);
  out.set(payload, head.length);
  return out;
}

/** publicKey returns a key pair's public key as grants have it: the uncompressed point in base 64. */
export async function publicKey(pair) {
  return toBase64(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
}

/** readGrant returns what a grant, an object or its JSON, says: {envelope, grant}; it throws at what is none. */
export function readGrant(value) {
  try {
    const envelope = typeof value === 'string' ? JSON.parse(value) : value;
    const grant = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(fromBase64(envelope.p)));
    if (grant.v !== 1 || !/^ec-[0-9a-f]{16}$/.test(grant.node) || typeof grant.key !== 'string' || typeof grant.node_key !== 'string') throw new Error('not a grant');
    return { envelope: { p: envelope.p, kid: envelope.kid, sig: envelope.sig }, grant };
  } catch (cause) {
    throw new WhepError('grant', { status: 400, cause });
  }
}

export class Dialog {
  #envelope;
  #grant;
  #key;
  #nodeKey;
  #peer;
  #sid = hex(crypto.getRandomValues(new Uint8Array(16)));
  #nonce = '';
  #seq = 0;
  #in = 0;
  #asked = '';

  /** begin makes the dialog of one session; pair is the key pair that the grant is for. */
  static async begin(grant, pair) {
    if (!globalThis.crypto?.subtle) throw new WhepError('insecure', { status: 400 });
    const d = new Dialog();
    const read = readGrant(grant);
    d.#envelope = read.envelope;
    d.#grant = read.grant;
    if ((await publicKey(pair)) !== d.#grant.key) throw new WhepError('grantKey', { status: 403 });
    if (d.#grant.exp * 1000 < Date.now()) throw new WhepError('grantExpired', { status: 403 });
    d.#key = pair.privateKey;
    try {
      d.#nodeKey = await crypto.subtle.importKey('raw', fromBase64(d.#grant.node_key), ecdsa, false, ['verify']);
    } catch (cause) {
      throw new WhepError('grant', { status: 400, cause });
    }
    d.#peer = hex((await sha256(utf8.encode(d.#grant.key))).subarray(0, 8));
    return d;
  }

  /** down is where requests are published, up where replies come. */
  get down() { return `ec1/d/${this.#grant.node}/dn/rtc`; }
  get up() { return `ec1/d/${this.#grant.node}/up/rtc/${this.#peer}`; }

  /** request makes the next message. Offer and restart wait for a reply; another takes their place. */
  async request(type, sdp) {
    const body = { v: 1, type, node: this.#grant.node, peer: this.#peer, sid: this.#sid, seq: ++this.#seq, iat: Math.floor(Date.now() / 1000) };
    if (this.#nonce) body.nonce = this.#nonce;
    if (sdp) body.sdp = sdp;
    const p = utf8.encode(JSON.stringify(body));
    if (type === 'offer' || type === 'restart') this.#asked = toBase64(await sha256(p));
    const sig = await crypto.subtle.sign(withSha256, this.#key, joined('ec1 rtc request\n', p));
    return JSON.stringify({ grant: this.#envelope, p: toBase64(p), sig: toBase64(new Uint8Array(sig)) });
  }

  /**
   * reply returns what a message says, or null for one that is not for this
   * session, is old, or that the node has not signed: anybody may publish.
   */
  async reply(bytes) {
    let body;
    try {
      if (bytes.length > maxMessage) return null;
      const m = JSON.parse(new TextDecoder().decode(bytes));
      const p = fromBase64(m.p);
      if (!(await crypto.subtle.verify(withSha256, this.#nodeKey, fromBase64(m.sig), joined('ec1 rtc reply\n', p)))) return null;
      body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(p));
    } catch {
      return null;
    }
    if (body.v !== 1 || body.node !== this.#grant.node || body.peer !== this.#peer || body.sid !== this.#sid) return null;
    if (!(body.seq > this.#in)) return null;
    if (body.type !== 'bye' && (this.#asked === '' || body.re !== this.#asked)) return null;
    if (body.type === 'answer' && this.#in === 0 && !fingerprinted(body.sdp)) return null;
    if (body.type === 'error' && body.nonce) {
      // A node without a clock; this is none of the session's messages.
      this.#nonce = body.nonce;
      this.#asked = '';
      return body;
    }
    this.#in = body.seq;
    if (body.type !== 'bye') this.#asked = '';
    return body;
  }
}

/** fingerprinted reports whether a description names its DTLS certificates by SHA-256, and by nothing else. */
function fingerprinted(sdp) {
  const lines = [...String(sdp).matchAll(/^a=fingerprint:(\S+) /gm)];
  return lines.length > 0 && lines.every((l) => l[1].toLowerCase() === 'sha-256');
}
