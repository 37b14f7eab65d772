// @ts-check Decides who sets a field: the server updates it with the load until the visitor types in it, and again
// after it was sent.

/** Fields in which the visitor has typed. @type {WeakSet<EventTarget>} */
const typed = new WeakSet();

export function fields() {
  document.addEventListener('input', (e) => { if (e.target) touch(e.target); });
}

/** The server sets a number only while it is per driver; a total is always set by the visitor.
 * @param {EventTarget} field */
function touch(field) {
  typed.add(field);
  const players = field instanceof HTMLSelectElement && field.name === 'per' &&
    field.form?.elements.namedItem('players');
  if (!(players instanceof HTMLInputElement)) return;
  players.value = field.value ? '' : players.defaultValue;
  if (field.value) typed.add(players); else typed.delete(players);
}

/** Fills a field in which the visitor has not typed.
 * If it has the focus, its value is selected, so that typing replaces it.
 * @param {HTMLInputElement} field @param {string} value */
export function fill(field, value) {
  if (typed.has(field)) return;
  field.value = value;
  if (field === document.activeElement) field.select();
}

/** After a form was sent, the server sets its fields again, unless the number is a total.
 * @param {HTMLFormElement} form */
export function sent(form) {
  if (new FormData(form).get('per')) return;
  for (const field of form.elements) typed.delete(field);
}
