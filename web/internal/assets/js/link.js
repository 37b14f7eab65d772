// @ts-check Connects a page to its live updates: through the worker that all tabs share, or through its own stream.
import { Stream } from './stream.js';

/** How long a hidden tab stays subscribed. */
const HIDDEN = 60_000;

/**
 * @param {string[]} topics
 * @param {() => string} cursor where the page is
 * @param {(m: any) => void} tell
 */
export function link(topics, cursor, tell) {
  const wire = typeof SharedWorker === 'function' ? shared(topics, tell) : own(topics, tell);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let there = true;
  const come = () => { there = true; wire.hello(cursor()); };
  const go = () => { there = false; wire.bye(); };
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(go, HIDDEN);
    else if (!there) come();
  });
  addEventListener('pagehide', go);
  addEventListener('pageshow', (e) => e.persisted && come());
  come();
  return { again: come };
}

/** @param {string[]} topics @param {(m: any) => void} tell */
function shared(topics, tell) {
  const worker = new SharedWorker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'swarmcall' });
  let last = '';
  const hello = (/** @type {string} */ cursor) => {
    last = cursor;
    worker.port.postMessage({ kind: 'hello', topics, cursor });
  };
  worker.port.onmessage = ({ data }) => (data.kind === 'who' ? hello(last) : tell(data));
  worker.port.start();
  setInterval(() => worker.port.postMessage({ kind: 'here' }), 10_000);
  return { hello, bye: () => worker.port.postMessage({ kind: 'bye' }) };
}

/** @param {string[]} topics @param {(m: any) => void} tell */
function own(topics, tell) {
  const stream = new Stream(tell);
  const hello = (/** @type {string} */ cursor) => stream.follow(topics, topics, cursor);
  return { hello, bye: () => stream.close() };
}
