// The page fits, can be reached by keyboard, and names everything it shows.

const widths = [
  ['desktop-dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }],
  ['phone-light', { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'light' }],
  ['phone-dark', { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark' }],
  ['phone-360', { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true }],
  ['landscape', { viewport: { width: 844, height: 390 }, isMobile: true, hasTouch: true }],
  ['forced-colors', { viewport: { width: 1280, height: 800 }, forcedColors: 'active', reducedMotion: 'reduce' }],
];

/** inspect runs in the page: every visible control's name and box. */
function inspect() {
  const controls = [];
  const collect = (root) => {
    for (const el of root.querySelectorAll('*')) {
      if (el.shadowRoot) collect(el.shadowRoot);
      if (!el.matches('button, input, a[href]') || !el.checkVisibility({ visibilityProperty: true })) continue;
      const box = el.getBoundingClientRect();
      controls.push({ name: (el.getAttribute('aria-label') || el.textContent || el.labels?.[0]?.textContent || '').trim(), skip: el.matches('.skip'), left: box.left, top: box.top, right: box.right, bottom: box.bottom, width: box.width, height: box.height });
    }
  };
  collect(document);
  const video = document.querySelector('edge-cam').video.getBoundingClientRect();
  return { controls, video: { width: video.width, height: video.height }, overflow: document.documentElement.scrollWidth - innerWidth, width: innerWidth, height: innerHeight, language: document.documentElement.lang };
}

export async function layout(w) {
  for (const [name, context] of widths) {
    const page = await w.camera(context);
    await w.sleep(400);
    await w.shot(page, name);
    const seen = await page.evaluate(inspect);
    w.check(seen.overflow <= 0, `${name}: the page is ${seen.overflow} pixels too wide`);
    w.check(seen.language === 'en', `${name}: no language`);
    w.check(seen.video.width >= 0.4 * seen.width && seen.video.height >= 120, `${name}: the picture is ${seen.video.width} by ${seen.video.height}`);
    for (const c of seen.controls.filter((c) => !c.skip)) {
      w.check(c.name !== '', `${name}: a control has no name: ${JSON.stringify(c)}`);
      w.check(c.left >= 0 && c.right <= seen.width && c.top >= 0 && c.bottom <= seen.height, `${name}: “${c.name}” is outside of the view: ${JSON.stringify(c)}`);
      w.check(c.width >= 44 && c.height >= 40, `${name}: “${c.name}” is only ${c.width} by ${c.height}`);
    }
    for (let i = 0; i < seen.controls.length; i++) {
      for (const b of seen.controls.slice(i + 1)) {
        const a = seen.controls[i];
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        w.check(across <= 1 || down <= 1, `${name}: “${a.name}” and “${b.name}” overlap`);
      }
    }
    await page.context().close();
  }
  await keyboard(w);
}

/** Every control is reached by Tab, and shows that it has the focus. */
async function keyboard(w) {
  const page = await w.camera();
  const reached = [];
  for (let i = 0; i < 16; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      let el = document.activeElement;
      while (el?.shadowRoot?.activeElement) el = el.shadowRoot.activeElement;
      if (!el || el === document.body) return null;
      const style = getComputedStyle(el);
      return { name: (el.getAttribute('aria-label') || el.textContent).trim(), ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
    });
    if (!at) break;
    w.check(at.ring, `“${at.name}” has the focus and does not show it`);
    reached.push(at.name);
  }
  for (const name of ['Hold to talk', 'Open mic', 'Sound', 'Hold to open the door', 'Snapshot', 'Full screen', 'Statistics', 'Help and shortcuts']) {
    w.check(reached.includes(name), `“${name}” is not reached by Tab; reached: ${reached.join(', ')}`);
  }
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor({ state: 'visible' });
  await w.shot(page, 'help');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
}
