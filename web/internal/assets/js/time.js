// @ts-check
// Times as the server writes them: clocks are UTC, ages in whole units.

/** @param {number} at */
export function clock(at) { return new Date(at).toISOString().slice(11, 19); }

/** @param {number} since */
export function age(since) { return `${Math.max(0, Math.round((Date.now() - since) / 1000))} s`; }

/** The time until a moment, as the server writes ages. @param {number} ms */
function left(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Keeps the time until the sign-in expires up to date. */
export function expires() {
  setInterval(() => {
    const el = document.getElementById('expires');
    const ms = Date.parse(el?.getAttribute('datetime') ?? '') - Date.now();
    if (!el || Number.isNaN(ms)) return;
    const words = ms < 0 ? 'expired' : `expires in ${left(ms)}`;
    if (el.textContent !== words) el.textContent = words;
  }, 1000);
}
