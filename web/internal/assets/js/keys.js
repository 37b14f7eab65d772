// @ts-check
// Keyboard: every key does what can also be done by Tab and Enter, and single keys can be switched off (WCAG 2.1.4).
import { openStop } from './act.js';

const OFF = 'swarmcall-keys-off';

/** @param {import('./page.js').Page} page */
export function keys(page) {
  const help = /** @type {HTMLDialogElement | null} */ (document.getElementById('help-dialog'));
  const box = /** @type {HTMLInputElement | null} */ (document.getElementById('keys-on'));
  const off = () => localStorage.getItem(OFF) === '1';
  if (box) {
    box.checked = !off();
    box.addEventListener('change', () => localStorage.setItem(OFF, box.checked ? '0' : '1'));
  }
  document.getElementById('help-open')?.addEventListener('click', () => help?.showModal());
  let going = 0;
  /** @type {Record<string, () => void>} */
  const does = {
    '?': () => help?.showModal(),
    s: openStop,
    p: () => page.pause(),
    t: () => /** @type {HTMLFormElement | null} */ (document.getElementById('theme'))?.requestSubmit(),
    '/': () => /** @type {HTMLElement | null} */ (document.querySelector('[data-filter]'))?.focus(),
    j: () => step(1),
    k: () => step(-1),
    g: () => { going = Date.now(); },
  };
  document.addEventListener('keydown', (e) => {
    if (e.key === 'Escape' && e.target instanceof HTMLElement && typing(e.target)) e.target.blur();
    if (off() || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (typing(e.target) || document.querySelector('dialog[open]')) return;
    if (Date.now() - going < 1500) {
      going = 0;
      const to = document.querySelector(`[data-go="${CSS.escape(e.key)}"]`);
      if (to instanceof HTMLAnchorElement) { e.preventDefault(); to.click(); return; }
    }
    const f = does[e.key];
    if (!f) return;
    e.preventDefault();
    f();
  });
}

/** @param {EventTarget | null} el */
function typing(el) {
  return el instanceof HTMLElement && (el.isContentEditable || ['INPUT', 'SELECT', 'TEXTAREA'].includes(el.nodeName));
}

/** Moves to the next row by moving the focus to its link: Enter then opens it, as anywhere. @param {number} by */
function step(by) {
  const rows = [...document.querySelectorAll('main :is(table.rows, table.heat) tbody tr')];
  if (!rows.length) return;
  const at = rows.findIndex((r) => r.contains(document.activeElement) || r.classList.contains('current'));
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + by))];
  rows.forEach((r) => r.classList.toggle('current', r === next));
  next.querySelector('a')?.focus();
  next.scrollIntoView({ block: 'nearest' });
}
