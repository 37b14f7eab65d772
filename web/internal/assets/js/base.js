// @ts-check
// The path under which this server is served, without the slash at its end: '' or '/swarmcall'. This module takes it
// from its own URL, which ends in /ui/assets/BUILD/js/base.js.
export const base = new URL('../../../..', import.meta.url).pathname.replace(/\/$/, '');
