// @ts-check One connection to the server's live stream. Used by the shared worker, or by a page where there is no such
// worker.
import { base } from './base.js';

/** Silence after which the stream counts as lost: the server sends something at least every two seconds. */
const SILENCE = 6000;
const RETRY = [500, 1000, 2000, 4000, 8000];

/**
 * @typedef {{kind: 'patch', data: any} | {kind: 'live', build?: string, who?: string} |
 *   {kind: 'lost', since: number} | {kind: 'reset'} | {kind: 'out', since: number}} Message
 */
export class Stream {
  /** @param {(m: Message) => void} tell */
  constructor(tell) {
    this.tell = tell;
    this.topics = /** @type {string[]} */ ([]);
    this.cursor = '';
    this.fresh = /** @type {Set<string>} */ (new Set()); // topics to be sent completely that have not arrived yet
    this.heard = Date.now(); // when the server last sent something; an attempt to connect does not count
    this.opened = 0;
    this.failures = 0;
    this.live = false;
    this.out = false; // the visitor is signed out
    /** @type {EventSource | undefined} */ this.source = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ this.timer = undefined;
    setInterval(() => this.source && Date.now() - Math.max(this.heard, this.opened) > SILENCE && this.lose(), 1000);
  }

  /** Follows these topics; those that are fresh are sent completely.
   * @param {string[]} topics @param {string[]} fresh @param {string} cursor */
  follow(topics, fresh, cursor) {
    this.topics = topics;
    this.cursor ||= cursor;
    this.fresh = new Set([...this.fresh, ...fresh].filter((t) => topics.includes(t)));
    this.open();
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
    this.live = false;
  }

  open() {
    this.close();
    if (!this.topics.length) return;
    const q = new URLSearchParams();
    for (const t of this.topics) q.append('topic', t);
    for (const t of this.fresh) q.append('fresh', t);
    q.set('after', this.cursor);
    this.opened = Date.now();
    const source = new EventSource(base + '/ui/stream?' + q);
    this.source = source;
    const on = (/** @type {string} */ name, /** @type {(e: MessageEvent) => void} */ f) => {
      source.addEventListener(name, (e) => {
        if (source !== this.source) return;
        this.hear(/** @type {MessageEvent} */ (e));
        f(/** @type {MessageEvent} */ (e));
      });
    };
    on('hello', (e) => this.tell({ kind: 'live', ...JSON.parse(e.data) }));
    on('patch', (e) => this.patch(JSON.parse(e.data)));
    on('beat', () => {});
    on('reset', () => { this.cursor = ''; this.tell({ kind: 'reset' }); });
    source.onerror = () => source === this.source && this.lose();
  }

  /** A complete topic is requested until it has arrived, because a stream may be lost before. @param {any} p */
  patch(p) {
    if (p.parts || p.lists || 'gone' in p) this.fresh.delete(p.topic); // points of a chart may arrive earlier
    this.tell({ kind: 'patch', data: p });
  }

  /** @param {MessageEvent} e */
  hear(e) {
    this.heard = Date.now();
    this.failures = 0;
    this.out = false;
    if (e.lastEventId) this.cursor = e.lastEventId;
    if (!this.live) {
      this.live = true;
      this.tell({ kind: 'live' });
    }
  }

  /** Reports the loss and tries again: EventSource does not retry on an error status or notice silence. It also tries
   * again for a visitor who is signed out: they may sign in in another tab. */
  async lose() {
    const since = this.heard;
    this.close();
    if (!this.out) this.tell({ kind: 'lost', since });
    const wait = RETRY[Math.min(this.failures++, RETRY.length - 1)] * (0.5 + Math.random() / 2);
    this.timer = setTimeout(() => this.open(), wait);
    // Without the timeout, a frozen server would hold these connections open until none is left for a Stop.
    const answer = await fetch(base + '/ui/about', {
      method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(SILENCE),
    }).catch(() => undefined);
    if (this.live) return; // an attempt was faster
    const was = this.out;
    this.out = answer?.status === 401;
    if (this.out) this.tell({ kind: 'out', since });
    else if (was) this.tell({ kind: 'lost', since });
  }
}
