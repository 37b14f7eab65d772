// @ts-check Shows the values of charts at the pointer and with the arrow keys, and redraws the players chart as points
// arrive.
import { Players } from './players.js';

/** @param {import('./page.js').Page} page */
export function charts(page) {
  const figure = document.querySelector('[data-chart="players"]');
  const players = figure && new Players(figure);
  if (players) {
    page.onitem((i) => players.add(i));
    page.onchange(() => players.draw());
    players.load();
  }
  const values = (/** @type {Element} */ f) => (f === figure && players ? players.values() : twin(f));
  const find = (/** @type {EventTarget | null} */ t) => (t instanceof Element ? t.closest('.chart svg') : null);
  document.addEventListener('pointermove', (e) => {
    const svg = find(e.target);
    if (!svg) return;
    const box = svg.getBoundingClientRect();
    point(svg, values, nearest(svg, values, (e.clientX - box.left) / box.width));
  });
  document.addEventListener('keydown', (e) => {
    const svg = find(document.activeElement);
    if (!svg) return;
    const all = values(/** @type {Element} */ (svg.closest('.chart')));
    const at = Number(/** @type {SVGElement} */ (svg).dataset.at ?? all.length);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1, Escape: -1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    point(svg, values, e.key === 'Escape' ? -1 : Math.max(0, Math.min(all.length - 1, to)));
  });
  document.addEventListener('focusout', (e) => { const svg = find(e.target); if (svg) point(svg, values, -1); });
}

/** The values of a chart are the rows of the table that repeats it. @param {Element} figure */
function twin(figure) {
  return [...figure.querySelectorAll('[data-twin] tr')].map((row) => ({
    x: Number(row.getAttribute('data-x')), words: [...row.children].map((c) => c.textContent?.trim()).join(' · '),
  })).sort((a, b) => a.x - b.x);
}

/** @param {Element} svg @param {(f: Element) => {x: number, words: string}[]} values @param {number} share */
function nearest(svg, values, share) {
  const all = values(/** @type {Element} */ (svg.closest('.chart')));
  const x = share * /** @type {SVGSVGElement} */ (svg).viewBox.baseVal.width;
  let best = -1;
  all.forEach((v, i) => { if (best < 0 || Math.abs(v.x - x) < Math.abs(all[best].x - x)) best = i; });
  return best;
}

/** Shows one value: a line in the chart and its words below.
 * @param {Element} svg @param {(f: Element) => {x: number, words: string}[]} values @param {number} i */
function point(svg, values, i) {
  const figure = /** @type {Element} */ (svg.closest('.chart'));
  const v = values(figure)[i];
  const out = figure.querySelector('.readout');
  svg.querySelector('[data-layer="cursor"]')?.setAttribute('d', v ? `M${v.x} 0V100` : '');
  if (out) {
    out.textContent = v?.words ?? '';
    out.setAttribute('aria-live', document.activeElement === svg ? 'polite' : 'off');
  }
  if (v) /** @type {SVGElement} */ (svg).dataset.at = String(i);
  else delete /** @type {SVGElement} */ (svg).dataset.at;
}
