// @ts-check Announces changes to screen readers: politely and at most every five seconds; a lost connection at once.
const EVERY = 5000;

/** @param {import('./page.js').Page} page */
export function announce(page) {
  const says = () => document.getElementById('strip')?.dataset.says ?? '';
  let said = says();
  let at = 0;
  const polite = document.getElementById('polite');
  const loud = document.getElementById('assertive');
  setInterval(() => {
    const now = says();
    if (!page.paused && now !== said && Date.now() - at > EVERY && polite) {
      polite.textContent = said = now;
      at = Date.now();
    }
  }, 1000);
  watch(page, (words) => { if (loud) loud.textContent = words; });
}

/** Announces once that the visitor is signed out, and once that they are back.
 * It announces once that the connection is lost, and once that it is back: when data arrives, not during attempts.
 * It also announces once that the server no longer knows the subject of the page.
 * @param {import('./page.js').Page} page @param {(words: string) => void} tell */
function watch(page, tell) {
  let lost = false;
  let out = false;
  let gone = 0;
  setInterval(() => {
    const back = page.state === 'live' || page.state === 'old';
    if (!out && page.state === 'out') {
      out = true;
      tell('You are signed out. This page is out of date.');
    } else if (out && back) {
      out = lost = false;
      tell('You are signed in again.');
    } else if (!lost && page.state === 'lost' && Date.now() - page.since > EVERY) {
      lost = true;
      tell('The connection is lost. This page is out of date.');
    } else if (lost && back) {
      lost = false;
      tell('The connection is back.');
    } else if (page.gone !== gone) {
      gone = page.gone;
      tell(document.getElementById('gone')?.textContent ?? 'The subject of this page is known to the server again.');
    }
  }, 1000);
}
