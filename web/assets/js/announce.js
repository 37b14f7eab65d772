// @ts-check
// Says aloud what changed, for those who hear the page: politely and at most every five seconds; a lost connection at once.
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
  let lost = false;
  setInterval(() => {
    const is = page.state === 'lost' && Date.now() - page.since > EVERY;
    if (is !== lost && loud) loud.textContent = is ? 'The connection is lost. What is shown is old.' : 'The connection is back.';
    lost = is;
  }, 1000);
}
