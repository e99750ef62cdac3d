// WHEP, the viewer's side: one HTTP resource per session. POST makes it, PATCH
// trickles candidates and restarts ICE, DELETE ends it. Written after
// draft-ietf-wish-whep and RFC 9725 (WHIP), which it shares its rules with.

/** WhepError says what the device answered, in words that can be shown. */
export class WhepError extends Error {
  constructor(message, { status = 0, retryAfter = 0, cause } = {}) {
    super(message, { cause });
    this.name = 'WhepError';
    this.status = status;
    this.retryAfter = retryAfter; // seconds, 0 if the device named none
  }
}

/** problem reads an application/problem+json (RFC 9457) body, or makes do without. */
export async function problem(response, fallback) {
  let text = fallback;
  const type = response.headers.get('content-type') ?? '';
  try {
    const body = await response.text();
    if (type.includes('json')) {
      const p = JSON.parse(body);
      text = [p.title, p.detail].filter((s, i, all) => s && all.indexOf(s) === i).join(': ') || fallback;
    } else if (type.startsWith('text/plain') && body.length < 300) {
      text = body.trim() || fallback;
    }
  } catch {
    // A body that cannot be read leaves the fallback.
  }
  const retryAfter = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  return new WhepError(text, { status: response.status, retryAfter: retryAfter > 0 ? retryAfter : 0 });
}

/** parseIceServers reads Link header values: <stun:…>; rel="ice-server"; username="…"; credential="…". */
export function parseIceServers(header) {
  const servers = [];
  for (const link of (header ?? '').matchAll(/<([^>]+)>((?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;,\s]+))*)/g)) {
    const params = {};
    for (const p of link[2].matchAll(/;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s]+))/g)) {
      params[p[1].toLowerCase()] = p[2] !== undefined ? p[2].replace(/\\(.)/g, '$1') : p[3];
    }
    if (params.rel !== 'ice-server' || !/^(stuns?|turns?):/i.test(link[1])) continue;
    const server = { urls: [link[1]] };
    if (params.username !== undefined) {
      server.username = params.username;
      server.credential = params.credential ?? '';
    }
    servers.push(server);
  }
  return servers;
}

const line = (sdp, name) => sdp.match(new RegExp(`^a=${name}:(.*)$`, 'm'))?.[1].trim();

/**
 * fragment makes the trickle-ice-sdpfrag (RFC 8840) of the local description:
 * its credentials, and the given candidates under the first media section,
 * which carries the one bundled transport.
 */
export function fragment(sdp, candidates, end) {
  const media = sdp.match(/^m=.*$/m)?.[0].trim() ?? 'm=audio 9 UDP/TLS/RTP/SAVPF 0';
  const out = [`a=ice-ufrag:${line(sdp, 'ice-ufrag')}`, `a=ice-pwd:${line(sdp, 'ice-pwd')}`, media, `a=mid:${line(sdp, 'mid') ?? '0'}`];
  for (const c of candidates) out.push(c.startsWith('a=') ? c : `a=${c}`);
  if (end) out.push('a=end-of-candidates');
  return out.join('\r\n') + '\r\n';
}

/** withNewIce puts the credentials and candidates of a restart's answer into the remote description. */
export function withNewIce(sdp, frag) {
  const ufrag = line(frag, 'ice-ufrag');
  const pwd = line(frag, 'ice-pwd');
  if (!ufrag || !pwd) throw new WhepError('the restart’s answer carries no ICE credentials');
  const candidates = [...frag.matchAll(/^a=candidate:.*$/gm)].map((m) => m[0].trim());
  let first = true;
  return sdp
    .replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, '')
    .replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${ufrag}`)
    .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${pwd}`)
    .replace(/^a=mid:.*\r?\n/gm, (mid) => {
      if (!first) return mid;
      first = false;
      return mid + candidates.map((c) => `${c}\r\n`).join('');
    });
}

/** WhepSignalling makes sessions at a node's WHEP endpoint. */
export class WhepSignalling {
  constructor({ url, token }) {
    this.url = url;
    this.token = token;
  }

  session() { return new WhepSession(this.url, this.token); }
  close() {} // holds nothing
}

/** WhepSession is one session on the device. */
export class WhepSession {
  #url;
  #token;
  #resource = '';
  #etag = '';
  #trickle = true;

  constructor(url, token) {
    this.#url = url;
    this.#token = token;
    this.iceServers = [];
  }

  #headers(more) {
    return this.#token ? { Authorization: `Bearer ${this.#token}`, ...more } : more;
  }

  #fetch(url, init) {
    // A bearer token stands alone; without one the session cookie of the same origin is used.
    return fetch(url, { credentials: this.#token ? 'omit' : 'same-origin', cache: 'no-store', referrerPolicy: 'no-referrer', ...init, headers: this.#headers(init.headers) });
  }

  /** open posts the offer and returns the answer's SDP. */
  async open(offer, signal) {
    let response;
    try {
      response = await this.#fetch(this.#url, { method: 'POST', body: offer, signal, headers: { 'Content-Type': 'application/sdp', Accept: 'application/sdp' } });
    } catch (cause) {
      throw new WhepError('network', { cause });
    }
    if (response.status !== 201) throw await problem(response, '');
    const location = response.headers.get('location');
    if (location) this.#resource = new URL(location, response.url || this.#url).href;
    this.#etag = response.headers.get('etag') ?? '';
    this.#trickle = this.#resource !== '';
    this.iceServers = parseIceServers(response.headers.get('link'));
    return response.text();
  }

  /** trickle sends local candidates; a device that does not take them is not asked again. */
  async trickle(sdp, candidates, end) {
    if (!this.#trickle) return;
    const headers = { 'Content-Type': 'application/trickle-ice-sdpfrag' };
    if (this.#etag) headers['If-Match'] = this.#etag;
    const response = await this.#fetch(this.#resource, { method: 'PATCH', headers, body: fragment(sdp, candidates, end) }).catch(() => null);
    if (response && [404, 405, 415, 422, 501].includes(response.status)) this.#trickle = false;
  }

  /** restart sends new credentials; it returns the answer's fragment, or throws when the session is gone. */
  async restart(sdp, candidates, signal) {
    if (!this.#resource) throw new WhepError('the session has no resource');
    const response = await this.#fetch(this.#resource, {
      method: 'PATCH',
      signal,
      headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*' },
      body: fragment(sdp, candidates, false),
    });
    if (response.status !== 200) throw await problem(response, '');
    this.#etag = response.headers.get('etag') ?? this.#etag;
    return response.text();
  }

  /** close ends the session; keepalive lets the request outlive the page. */
  close() {
    if (!this.#resource) return;
    const url = this.#resource;
    this.#resource = '';
    this.#trickle = false;
    this.#fetch(url, { method: 'DELETE', keepalive: true }).catch(() => {});
  }
}
