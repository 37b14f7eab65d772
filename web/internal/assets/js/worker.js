// @ts-check
// The shared worker: one stream for all tabs of this browser. HTTP/1.1 allows six connections to a server, and a stream
// for each tab would leave the seventh tab without any.
import { Stream } from './stream.js';

/** Tabs report every ten seconds that they exist; the browser may slow background tabs down to once a minute. */
const SILENT = 150_000;

/** @type {Map<MessagePort, {topics: string[], at: number}>} */
const tabs = new Map();
/** @type {string[]} */
let followed = [];
/** @type {any} */
let state;

const stream = new Stream((m) => {
  if (m.kind !== 'patch') state = m.kind === 'reset' ? state : { ...state, ...m };
  for (const [port, tab] of tabs) {
    if (m.kind !== 'patch' || m.data.topic === '' || tab.topics.includes(m.data.topic)) port.postMessage(m);
  }
});

/** @type {any} */ (self).onconnect = (/** @type {MessageEvent} */ e) => {
  const port = e.ports[0];
  port.onmessage = ({ data }) => {
    if (data.kind === 'bye') tabs.delete(port);
    else if (data.kind === 'here') touch(port);
    else hello(port, data);
    update([], '');
  };
};

/** @param {MessagePort} port */
function touch(port) {
  const tab = tabs.get(port);
  if (tab) tab.at = Date.now();
  else port.postMessage({ kind: 'who' }); // it had been removed
}

/** @param {MessagePort} port @param {{topics: string[], cursor: string}} data */
function hello(port, data) {
  tabs.set(port, { topics: data.topics, at: Date.now() });
  update(data.topics, data.cursor);
  if (state && (stream.live || state.kind !== 'live')) port.postMessage(state);
}

/** Follows the topics of all tabs. @param {string[]} fresh @param {string} cursor */
function update(fresh, cursor) {
  const wanted = [...new Set([...tabs.values()].flatMap((t) => t.topics))].sort();
  if (!fresh.length && wanted.join() === followed.join()) return;
  followed = wanted;
  stream.follow(wanted, fresh, cursor);
}

setInterval(() => {
  for (const [port, tab] of tabs) if (Date.now() - tab.at > SILENT) tabs.delete(port);
  update([], '');
}, 30_000);
