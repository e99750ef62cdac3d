// A camera, its events and its methods: index.html?node=https://NODE#token=TOKEN.
// What stands behind the # is not sent to whoever serves this page.

import '../../web/edgecam.js';

const $ = (id) => document.getElementById(id);
const camera = document.querySelector('edge-cam');

for (const name of ['state', 'ring', 'call', 'door', 'talk', 'voice', 'error']) {
  camera.addEventListener(`edgecam-${name}`, (e) => {
    $('events').textContent = `${new Date().toLocaleTimeString()} ${name} ${JSON.stringify(e.detail)}\n${$('events').textContent}`.slice(0, 4000);
  });
}
camera.addEventListener('edgecam-state', (e) => { $('state').textContent = e.detail.text; });

$('open').onclick = () => camera.openDoor().catch((error) => camera.note(error.message));
$('picture').onclick = async () => {
  const blob = await camera.snapshot();
  if (!blob) return;
  const img = new Image(160);
  img.src = URL.createObjectURL(blob);
  $('pictures').append(img);
};

const node = new URLSearchParams(location.search).get('node') ?? 'http://127.0.0.1:8080';
camera.setAttribute('src', new URL('/whep', node).href);
camera.setAttribute('token', new URLSearchParams(location.hash.slice(1)).get('token') ?? '');
camera.connect();
