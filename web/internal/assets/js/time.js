// @ts-check
// Times as the server writes them: clocks are UTC, ages in whole units.

/** @param {number} at */
export function clock(at) { return new Date(at).toISOString().slice(11, 19); }

/** @param {number} since */
export function age(since) { return `${Math.max(0, Math.round((Date.now() - since) / 1000))} s`; }
