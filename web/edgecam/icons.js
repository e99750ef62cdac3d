// Icons as SVG elements, built without markup strings so that pages with a
// strict content security policy or Trusted Types can use them. 24 by 24,
// stroked with the current colour.

const paths = {
  mic: ['M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z', 'M5.5 11.5a6.5 6.5 0 0 0 13 0', 'M12 18v3', 'M9 21h6'],
  micOpen: ['M9.5 3.5a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0v-5a3 3 0 0 0-3-3z', 'M3.5 11a6 6 0 0 0 12 0', 'M9.5 17v3.5', 'M17.5 5.5a5 5 0 0 1 0 6', 'M20 3.5a8.5 8.5 0 0 1 0 10'],
  sound: ['M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z', 'M15.5 9a4.2 4.2 0 0 1 0 6', 'M18 6.5a7.8 7.8 0 0 1 0 11'],
  soundOff: ['M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z', 'M16 9.5l5 5', 'M21 9.5l-5 5'],
  snapshot: ['M4 8.5A1.5 1.5 0 0 1 5.5 7h2L9 4.5h6L16.5 7h2A1.5 1.5 0 0 1 20 8.5v9A1.5 1.5 0 0 1 18.5 19h-13A1.5 1.5 0 0 1 4 17.5z', 'M12 9.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7z'],
  fullscreen: ['M4 9V4h5', 'M15 4h5v5', 'M20 15v5h-5', 'M9 20H4v-5'],
  shrink: ['M9 4v5H4', 'M20 9h-5V4', 'M15 20v-5h5', 'M4 15h5v5'],
  door: ['M6 21V4.5A1.5 1.5 0 0 1 7.5 3h9A1.5 1.5 0 0 1 18 4.5V21', 'M3.5 21h17', 'M14.5 12v1.5'],
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  chart: ['M4 20V4', 'M4 20h16', 'M8 16v-3', 'M12 16V9', 'M16 16v-5', 'M20 16V6'],
  bell: ['M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15z', 'M10 20.5a2.2 2.2 0 0 0 4 0', 'M12 5V3'],
  press: ['M8 3.5h8A2.5 2.5 0 0 1 18.5 6v12a2.5 2.5 0 0 1-2.5 2.5H8A2.5 2.5 0 0 1 5.5 18V6A2.5 2.5 0 0 1 8 3.5z', 'M12 11a3 3 0 1 0 0 6a3 3 0 0 0 0-6z', 'M10 7h4'],
  help: ['M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17z', 'M9.5 9.7a2.6 2.6 0 1 1 3.7 2.4c-.8.4-1.2.9-1.2 1.9', 'M12 17v.1'],
  signOut: ['M10 4H5.5A1.5 1.5 0 0 0 4 5.5v13A1.5 1.5 0 0 0 5.5 20H10', 'M15 8l4 4l-4 4', 'M19 12H9.5'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  people: ['M9 5a3 3 0 1 0 0 6a3 3 0 0 0 0-6z', 'M3.5 19a5.5 5.5 0 0 1 11 0', 'M15.5 5.3a3 3 0 0 1 0 5.4', 'M17 14a5.5 5.5 0 0 1 3.5 5'],
  lens: ['M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16z', 'M12 9a3 3 0 1 0 0 6a3 3 0 0 0 0-6z'],
  lensOff: ['M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16z', 'M12 9a3 3 0 1 0 0 6a3 3 0 0 0 0-6z', 'M4 4l16 16'],
};

const svgNS = 'http://www.w3.org/2000/svg';

/** icon returns a new decorative SVG element; the name is a key of paths. */
export function icon(name) {
  const svg = document.createElementNS(svgNS, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  svg.setAttribute('class', 'icon');
  for (const d of paths[name]) {
    const path = document.createElementNS(svgNS, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

/** swapIcon replaces the icon inside a button. */
export function swapIcon(button, name) {
  if (button.dataset.icon === name) return;
  button.dataset.icon = name;
  const old = button.querySelector('svg.icon');
  if (old) old.replaceWith(icon(name));
  else button.prepend(icon(name));
}
