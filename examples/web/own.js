// Signalling of one's own: here by plain requests of JSON, as examples/signalling
// serves them at /call. A real one would use the connection that an application
// has anyway.

import { WhepError } from '../../web/edgecam.js';

const camera = document.querySelector('edge-cam');
camera.addEventListener('edgecam-state', ({ detail }) => { document.getElementById('state').textContent = [detail.text, detail.why].filter(Boolean).join(': '); });

const url = new URL(new URLSearchParams(location.search).get('call') ?? 'http://127.0.0.1:8090/call', location.href);

async function post(body, signal) {
  const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal });
  if (!response.ok) throw new WhepError(await response.text(), { status: response.status });
  return response.json();
}

camera.signalling = {
  session() {
    return {
      iceServers: [],
      id: '',
      async open(offer, signal) {
        const { id, answer } = await post({ offer }, signal);
        this.id = id;
        return answer;
      },
      // The node's own candidates are in its answer, and it learns ours from our checks.
      async trickle() {},
      async restart() { throw new WhepError('not offered'); },
      close() { if (this.id) post({ bye: this.id }).catch(() => {}); },
    };
  },
  close() {},
};
camera.connect();
