// @ts-check Sends the command forms without leaving the page. Nothing is shown as done before drivers have answered.
import { base } from './base.js';
import { sent } from './fields.js';

/** @param {import('./page.js').Page} page */
export function act(page) {
  document.addEventListener('submit', (e) => {
    const form = e.target;
    if (!(form instanceof HTMLFormElement) || !form.hasAttribute('data-act')) return;
    e.preventDefault();
    sure(form).then((yes) => { if (yes) send(form, page); });
  });
  const dialog = document.getElementById('stop-dialog');
  document.addEventListener('click', (e) => {
    if (!(e.target instanceof Element) || !e.target.closest('#stop-open')) return;
    if (e.ctrlKey || e.metaKey || e.shiftKey) return; // a new tab
    e.preventDefault();
    openStop();
  });
  dialog?.addEventListener('close', () => {
    const out = dialog.querySelector('.result');
    if (out) out.textContent = '';
    for (const region of dialog.querySelectorAll('[aria-live]')) region.textContent = '';
  });
}

/** Opens the dialog with the focus on Stop, so that Enter stops and Esc leaves. */
export function openStop() {
  const dialog = document.getElementById('stop-dialog');
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  dialog.showModal();
  /** @type {HTMLElement | null} */ (dialog.querySelector('.stop'))?.focus();
}

/** Asks when a number is so much larger than the present one that it may be a typing error.
 * @param {HTMLFormElement} form */
async function sure(form) {
  const dialog = document.getElementById('sure-dialog');
  const what = document.getElementById('sure-what');
  const data = new FormData(form);
  const players = Number(data.get('players'));
  const all = data.get('per') === 'total';
  const most = Number((all ? form.dataset.mostAll : form.dataset.most) ?? Infinity);
  if (!(dialog instanceof HTMLDialogElement) || !what || players <= most) return true;
  const counted = all ? 'in all' : 'per driver';
  what.textContent = `${players.toLocaleString('en')} players ${counted} is more than ten times the present target.`;
  dialog.returnValue = 'no';
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener('close', done, { once: true }));
  return dialog.returnValue === 'yes';
}

/** @param {HTMLFormElement} form @param {import('./page.js').Page} page */
async function send(form, page) {
  if (form.getAttribute('aria-busy') === 'true') return; // a second Enter must not send a second command
  const out = form.querySelector('.result');
  const button = form.querySelector('button');
  form.setAttribute('aria-busy', 'true');
  button?.setAttribute('aria-busy', 'true');
  tell(out, { tone: 'busy', says: 'Sending; waiting for the drivers…' });
  const result = await post(form);
  form.removeAttribute('aria-busy');
  button?.removeAttribute('aria-busy');
  tell(out, result);
  if (result.sent) sent(form);
  const loud = result.lost || (isStop(form) && result.tone !== 'ok');
  say(form, loud ? 'assertive' : 'polite', result.says);
  for (const f of page.changes) f();
}

/** Announces words to screen readers.
 * While a dialog is open they read only the dialog, so the announcement is inside it.
 * @param {HTMLFormElement} form @param {string} how @param {string} words */
function say(form, how, words) {
  const dialog = form.closest('dialog[open]');
  const region = dialog?.querySelector(`[aria-live="${how}"]`) ?? document.getElementById(how);
  if (region) region.textContent = words;
}

/** @param {HTMLFormElement} form */
function isStop(form) { return new FormData(form).get('type') === 'stop'; }

/** Waits for an answer slightly longer than the command may take: a frozen server would never answer.
 * @param {HTMLFormElement} form */
async function post(form) {
  const patience = Number(form.dataset.patience ?? document.documentElement.dataset.patience ?? 10_000);
  try {
    const answer = await fetch(form.action, {
      method: 'POST', headers: { accept: 'application/json' }, signal: AbortSignal.timeout(patience),
      body: new URLSearchParams(/** @type {any} */ (new FormData(form))),
    });
    const said = await answer.json();
    if (said.says) return { ...said, sent: answer.ok };
    // A refusal that does not come from the form: of the Host or the Origin, by the server or by a proxy before it.
    return { tone: 'bad', lost: true, says: 'Refused: ' + (said.detail ?? answer.status), sent: false };
  } catch {
    return unknown(isStop(form)
      ? 'it was stopped. Try again, or see the log.'
      : 'the command was sent. Check the log before you send it again.');
  }
}

/** @param {string} what */
function unknown(what) {
  const says = 'No answer from the server: it is unknown whether ' + what;
  return { tone: 'bad', lost: true, says, url: base + '/ui/commands', words: 'Log' };
}

/** @param {Element | null} out
 * @param {{tone: string, says: string, url?: string, words?: string, new_tab?: boolean}} result */
function tell(out, result) {
  if (!out) return;
  const words = document.createElement('span');
  words.className = 'tone t-' + result.tone;
  words.textContent = result.says;
  out.replaceChildren(words);
  if (result.url) {
    const link = document.createElement('a');
    link.href = result.url;
    link.textContent = result.words ?? 'Details';
    if (result.new_tab) link.target = '_blank';
    out.append(' ', link);
  }
}
