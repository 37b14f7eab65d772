// @ts-check
// Whose a field is: the server's, and it follows the load, until the visitor types in it; and again once that is sent.

/** Fields somebody typed in. @type {WeakSet<EventTarget>} */
const typed = new WeakSet();

export function fields() {
  document.addEventListener('input', (e) => { if (e.target) touch(e.target); });
}

/** A number is the server's only while it is per driver: meant in all, it is the visitor's to give. @param {EventTarget} field */
function touch(field) {
  typed.add(field);
  const players = field instanceof HTMLSelectElement && field.name === 'per' && field.form?.elements.namedItem('players');
  if (!(players instanceof HTMLInputElement)) return;
  players.value = field.value ? '' : players.defaultValue;
  if (field.value) typed.add(players); else typed.delete(players);
}

/** Fills a field that nobody typed in; who has it in hand types over the new value as over the old. @param {HTMLInputElement} field
 * @param {string} value */
export function fill(field, value) {
  if (typed.has(field)) return;
  field.value = value;
  if (field === document.activeElement) field.select();
}

/** The fields of a form that was sent are the server's again, unless the number is meant in all. @param {HTMLFormElement} form */
export function sent(form) {
  if (new FormData(form).get('per')) return;
  for (const field of form.elements) typed.delete(field);
}
