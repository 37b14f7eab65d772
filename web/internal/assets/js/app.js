// @ts-check The pages work without scripts. The scripts add live updates and keyboard shortcuts.
import { act } from './act.js';
import { announce } from './announce.js';
import { charts } from './charts.js';
import { fields } from './fields.js';
import { keys } from './keys.js';
import { Page } from './page.js';
import { theme } from './theme.js';
import { expires } from './time.js';

for (const id of ['pause', 'help-open']) document.getElementById(id)?.removeAttribute('hidden');

const page = new Page();
charts(page);
act(page);
theme();
keys(page);
announce(page);
copyButtons();
fields();
expires();
page.start();
document.getElementById('not-live')?.remove(); // last, because the page is not live before

/** How long a button shows that it has copied. */
const COPIED = 2000;

function copyButtons() {
  const show = () => document.querySelectorAll('[data-copy]').forEach((b) => b.removeAttribute('hidden'));
  document.addEventListener('click', async (e) => {
    const button = /** @type {HTMLElement} */ (e.target).closest?.('[data-copy]');
    if (!(button instanceof HTMLElement)) return;
    const text = document.getElementById(button.dataset.copy ?? '')?.textContent ?? '';
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
      setTimeout(() => { button.textContent = 'Copy'; }, COPIED);
    } catch {
      button.textContent = 'Select it and press Ctrl-C'; // no clipboard over plain HTTP
    }
  });
  // Without a clipboard (plain HTTP to another machine) the button would do nothing.
  if (navigator.clipboard) { show(); page.onchange(show); }
}
