// The node's small HTTP API, on the page's own origin, with the session cookie.

import { problem } from '../edgecam/whep.js';
import { t } from '../texts.js';

async function call(method, path, body) {
  const init = { method, credentials: 'same-origin', cache: 'no-store', headers: { Accept: 'application/json' } };
  if (body !== undefined) {
    init.headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    throw Object.assign(new Error(t('errorNetwork'), { cause }), { status: 0, retryAfter: 0 });
  }
  if (!response.ok) throw await problem(response, t('errorStatus', { status: response.status }));
  return response;
}

/** status tells of the node; null when nobody is signed in. */
export async function status() {
  try {
    return await (await call('GET', '/api/status')).json();
  } catch (error) {
    if (error.status === 401 || error.status === 403) return null;
    throw error;
  }
}

/** login exchanges the owner secret or a token for the session cookie. */
export const login = (secret) => call('POST', '/api/login', { secret });
export const logout = () => call('POST', '/api/logout');
export const pressButton = () => call('POST', '/api/sim/button');
