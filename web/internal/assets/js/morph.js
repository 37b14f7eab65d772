// @ts-check Changes an element into another one by changing only the differences: focus, selection, open details and
// input stay.
import { fill } from './fields.js';

/** @param {string} html @returns {Element | null} the first element of a piece of HTML; nothing in it runs */
export function parse(html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  return template.content.firstElementChild;
}

/** @param {Element} from @param {Element} to */
export function morph(from, to) {
  if (from.nodeName !== to.nodeName) {
    from.replaceWith(to);
    return;
  }
  attributes(from, to);
  if (from.nodeName !== 'OUTPUT') children(from, to); // the result of a form stays until the next one
}

/** @param {Element} from @param {Element} to */
function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !kept(from, name)) from.removeAttribute(name);
  }
  for (const { name, value } of [...to.attributes]) {
    if (from.getAttribute(name) === value || kept(from, name)) continue;
    from.setAttribute(name, value);
    if (name === 'value' && from instanceof HTMLInputElement) fill(from, value);
  }
}

/** State that the visitor sets, not the server. @param {Element} el @param {string} name */
function kept(el, name) {
  return (name === 'open' && (el.nodeName === 'DETAILS' || el.nodeName === 'DIALOG')) ||
    (name === 'class' && el.classList.contains('current')) || name === 'hidden' || name === 'aria-busy';
}

/** @param {Element} from @param {Element} to */
function children(from, to) {
  const byID = new Map([...from.children].filter((c) => c.id).map((c) => [c.id, c]));
  let at = from.firstChild;
  for (const next of [...to.childNodes]) {
    const named = next instanceof Element && next.id ? byID.get(next.id) : undefined;
    if (named && named !== at) from.insertBefore(named, at);
    const old = named ?? at;
    if (old && same(old, next)) {
      if (!named) at = old.nextSibling; else if (named === at) at = at.nextSibling;
      if (old instanceof Element) morph(old, /** @type {Element} */ (next));
      else if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
    } else {
      from.insertBefore(next, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/** @param {Node} a @param {Node} b */
function same(a, b) {
  if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return false;
  return !(a instanceof Element) || a.id === /** @type {Element} */ (b).id;
}
