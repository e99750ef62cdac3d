// A camera that this page reaches through its MQTT broker alone. The page can be
// on any HTTPS host: it needs the broker's WebSocket address and a grant.

import { publicKey, viewerKey } from '../../web/edgecam.js';

const $ = (id) => document.getElementById(id);
const camera = document.querySelector('edge-cam');
const fields = $('form').elements;

// All but the password is kept for the next visit.
for (const name of ['src', 'user', 'grant']) fields[name].value = localStorage.getItem(name) ?? '';

camera.addEventListener('edgecam-state', ({ detail }) => { $('state').textContent = [detail.text, detail.why].filter(Boolean).join(': '); });

$('form').onsubmit = (e) => {
  e.preventDefault();
  camera.disconnect();
  for (const name of ['src', 'user', 'token', 'grant']) camera.setAttribute(name, fields[name].value.trim());
  for (const name of ['src', 'user', 'grant']) localStorage.setItem(name, fields[name].value.trim());
  camera.connect();
};

viewerKey().then(publicKey).then((key) => { $('key').textContent = key; }, (error) => { $('state').textContent = `No key: ${error.message}`; });
