// A button that must be held: a release that opens a door must not happen by a
// stray tap. Where nothing can be held (screen readers, switch control), a click
// without a pointer asks for a second one within a few seconds.

const againMs = 5_000;

/**
 * holdToConfirm makes button act when it has been held for ms. Handlers:
 * progress(0..1), cancel(), again() when a second activation is awaited, done().
 * The returned function begins and ends a hold from elsewhere: press(true|false).
 */
export function holdToConfirm(button, ms, handlers) {
  let frame = 0;
  let timer = 0;
  let started = 0;
  let armedUntil = 0;

  const stop = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    timer = 0;
  };
  const begin = () => {
    if (timer || button.disabled || button.getAttribute('aria-disabled') === 'true') return;
    started = performance.now();
    // The timer decides, so that it works in a page that paints no frames; the frames only draw.
    timer = setTimeout(() => { stop(); handlers.progress(0); handlers.done(); }, ms);
    const draw = () => {
      handlers.progress(Math.min(1, (performance.now() - started) / ms));
      frame = requestAnimationFrame(draw);
    };
    draw();
  };
  const end = () => {
    if (!timer) return;
    stop();
    handlers.progress(0);
    handlers.cancel();
  };

  button.addEventListener('pointerdown', (e) => {
    if (e.button !== 0) return;
    button.setPointerCapture(e.pointerId);
    begin();
  });
  for (const type of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur']) button.addEventListener(type, end);
  button.addEventListener('contextmenu', (e) => e.preventDefault());
  button.addEventListener('keydown', (e) => {
    if (e.key !== ' ' && e.key !== 'Enter') return;
    e.preventDefault();
    if (!e.repeat) begin();
  });
  button.addEventListener('keyup', (e) => {
    if (e.key !== ' ' && e.key !== 'Enter') return;
    e.preventDefault();
    end();
  });
  button.addEventListener('click', (e) => {
    if (e.detail !== 0) return; // a pointer's click; the hold has seen it already
    if (performance.now() < armedUntil) {
      armedUntil = 0;
      handlers.done();
    } else {
      armedUntil = performance.now() + againMs;
      handlers.again();
    }
  });
  return (pressed) => (pressed ? begin() : end());
}
