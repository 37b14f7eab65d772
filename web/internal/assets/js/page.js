// @ts-check Applies live updates to a page, and shows its state: Live, Reconnecting (stale since), Unknown, Paused,
// Signed out.
import { link } from './link.js';
import { morph, parse } from './morph.js';
import { age, clock } from './time.js';

/** The longest wait before another attempt to load a page that could not be loaded. */
const AGAIN = 4000;

export class Page {
  constructor() {
    const root = document.documentElement;
    this.topic = root.dataset.topic ?? '';
    this.build = root.dataset.build ?? '';
    this.cursor = root.dataset.cursor ?? '';
    this.who = root.dataset.who ?? ''; // changes with the visitor and their rights
    this.also = root.dataset.also ?? ''; // one more topic, of the visitor's scope
    this.posted = root.dataset.posted !== undefined; // it answers a form, so it cannot be loaded again
    this.paused = 0; // since when updates are held back; 0: not paused
    this.outdated = false; // the page must be loaded again when it is resumed
    /** @type {ReturnType<typeof setTimeout> | undefined} */ this.later = undefined; // timer to load it again
    this.held = new Map(); // patches received while paused: the newest one of each element
    this.heldItems = /** @type {any[]} */ ([]);
    this.heldNews = 0;
    this.state = 'connecting';
    this.since = 0;
    this.loaded = Date.now(); // the page shows a state of this time or later
    this.gone = 0; // since when the server does not know the subject of this page
    /** @type {(() => void)[]} */ this.changes = [];
    /** @type {((item: any[]) => void)[]} */ this.items = [];
    /** @type {Map<string, any>} */ this.lists = new Map(); // rows of lists that are not shown yet
  }

  /** @param {() => void} f called after the page changed */
  onchange(f) { this.changes.push(f); }
  /** @param {(item: any[]) => void} f called with each point and mark */
  onitem(f) { this.items.push(f); }

  start() {
    document.getElementById('conn')?.removeAttribute('hidden');
    document.getElementById('pause')?.addEventListener('click', () => this.pause());
    document.getElementById('more-new')?.addEventListener('click', () => this.showNew());
    this.show('connecting');
    const topics = [this.topic || '/ui/stop', this.also].filter(Boolean);
    this.link = link(topics, () => this.cursor, (m) => this.hear(m));
    setInterval(() => this.badge(), 1000); // updates the ages
  }

  /** @param {any} m */
  hear(m) {
    if (m.kind === 'patch') this.take(m.data);
    else if (m.kind === 'reset') this.renew();
    else if (m.kind === 'out' || m.kind === 'lost') {
      this.since = Math.max(m.since, this.loaded);
      this.show(m.kind);
    } else if (m.build && this.build && m.build !== this.build) this.show('old');
    else if (this.state !== 'old') this.live(m.who);
  }

  /** Another visitor may see other controls. @param {string | undefined} who */
  live(who) {
    this.show('live');
    if (who !== undefined && who !== this.who) this.renew();
  }

  /** A patch of this page means that the page exists, unless the patch says the opposite. @param {any} p */
  take(p) {
    if (p.topic === this.topic) this.setGone(p.gone ?? 0);
    this.patch(p);
  }

  /** @param {number} since */
  setGone(since) {
    if (since === this.gone) return;
    this.gone = since;
    document.getElementById('gone')?.remove();
    if (since) document.getElementById('main')?.prepend(goneNotice(this.topic, since));
    this.badge();
  }

  /** @param {string} state */
  show(state) {
    this.state = state;
    this.badge();
  }

  /** The state and the text of the badge, by the first condition that is true. */
  words() {
    const since = Math.min(this.since, this.paused || Infinity);
    if (this.state === 'lost') return ['lost', `Reconnecting (stale since ${clock(since)}, ${age(since)})`];
    if (this.state === 'out') return ['out', `Signed out (stale since ${clock(since)}, ${age(since)})`];
    if (this.gone) return ['gone', `Unknown since ${clock(this.gone)}, ${age(this.gone)}`];
    if (this.state === 'old') return ['old', 'Server was updated: reload the page'];
    if (this.paused) return ['paused', `Paused · +${this.heldNews} since ${clock(this.paused)}, ${age(this.paused)}`];
    return this.state === 'live' ? ['live', 'Live'] : ['connecting', 'Connecting'];
  }

  badge() {
    const [state, words] = this.words();
    document.body.classList.toggle('stale', ['lost', 'out', 'paused'].includes(state));
    document.body.classList.toggle('gone', state === 'gone'); // the strip is still up to date: it shows the whole swarm
    const badge = document.getElementById('conn');
    const text = document.getElementById('conn-word');
    if (!badge || !text) return;
    badge.dataset.state = state;
    document.getElementById('sign-in')?.toggleAttribute('hidden', state !== 'out');
    if (text.textContent !== words) text.textContent = words;
  }

  pause() {
    this.paused = this.paused ? 0 : Date.now();
    const button = document.getElementById('pause');
    if (button) {
      button.setAttribute('aria-pressed', String(this.paused > 0));
      button.textContent = this.paused ? 'Resume' : 'Pause';
    }
    if (!this.paused) this.resume();
    this.badge();
  }

  resume() {
    const held = [...this.held.values()];
    const news = {
      parts: held.filter((h) => h.html).map((h) => h.html),
      items: this.heldItems,
      lists: held.filter((h) => h.list).map((h) => h.list),
    };
    this.held.clear();
    this.heldItems = [];
    this.heldNews = 0;
    if (this.outdated) this.renew();
    this.patch(news);
  }

  /** Loads the page again, but not while it is paused: a paused page must not change. */
  renew() {
    if (this.posted) return;
    this.outdated = this.paused > 0;
    if (!this.paused) this.refresh();
  }

  /** @param {any} p */
  patch(p) {
    if (this.paused) return this.hold(p);
    for (const html of p.parts ?? []) this.part(html);
    for (const l of p.lists ?? []) this.list(l);
    for (const i of p.items ?? []) for (const f of this.items) f(i);
    for (const f of this.changes) f();
  }

  /** Keeps the newest of everything, so that a long pause holds no more than a short one. @param {any} p */
  hold(p) {
    this.heldNews++;
    for (const html of p.parts ?? []) {
      const id = parse(html)?.id;
      // the Stop dialog must always show the present state
      if (id === 'stop-what' || id === 'stop-scope') this.part(html);
      else this.held.set('part ' + id, { html });
    }
    for (const l of p.lists ?? []) {
      const old = this.held.get('list ' + l.id)?.list ?? { id: l.id, rows: [] };
      const rows = new Map([...(old.rows ?? []), ...(l.rows ?? [])].map((r) => [rowOf(r)?.id, r]));
      this.held.set('list ' + l.id, { list: { id: l.id, order: l.order ?? old.order, rows: [...rows.values()] } });
    }
    this.heldItems = [...this.heldItems, ...(p.items ?? [])].slice(-600);
    this.badge();
  }

  /** @param {string} html */
  part(html) {
    const next = parse(html);
    const old = next && document.getElementById(next.id);
    if (old && next) morph(old, next);
  }

  /** @param {{id: string, order?: string[], rows?: string[]}} l */
  list(l) {
    const body = document.getElementById(l.id);
    const before = body?.children.length ?? 0;
    const steady = body?.closest('.steady');
    if (l.order && !steady && (!body || (before === 0) !== (l.order.length === 0))) {
      if (!body && !l.order.length) return;
      this.renew(); // the page around an empty list is different
      return;
    }
    if (!body) return;
    const fresh = new Map((l.rows ?? []).map((html) => { const row = rowOf(html); return [row?.id ?? '', row]; }));
    for (const [id, row] of fresh) {
      const old = document.getElementById(id);
      if (old && row) { morph(old, row); fresh.delete(id); }
    }
    const waiting = this.lists.get(l.id) ?? { order: undefined, rows: new Map() };
    for (const [id, row] of fresh) waiting.rows.set(id, row);
    if (l.order) waiting.order = l.order;
    this.lists.set(l.id, waiting);
    if (l.id === 'command-rows' && this.countNew()) return;
    this.arrange(l.id);
  }

  /** New rows are not shown until the visitor asks for them: rows that are being read must not move. */
  countNew() {
    const button = document.getElementById('more-new');
    const waiting = this.lists.get('command-rows');
    const order = waiting?.order ?? [];
    const n = order.filter((/** @type {string} */ id) => !document.getElementById(id)).length;
    if (button) {
      button.hidden = n === 0;
      button.textContent = `Show ${n}${n === order.length ? '+' : ''} new`; // there may be more than one page
    }
    return n > 0;
  }

  showNew() {
    this.arrange('command-rows');
    this.countNew();
    document.getElementById('main')?.focus();
    for (const f of this.changes) f();
  }

  /** @param {string} id */
  arrange(id) {
    const body = document.getElementById(id);
    const waiting = this.lists.get(id);
    if (!body || !waiting?.order) return;
    const focus = document.activeElement;
    /** @type {Element | null} */
    let at = body.firstElementChild;
    for (const row of waiting.order) {
      const el = document.getElementById(row) ?? waiting.rows.get(row);
      if (!el) continue;
      if (at && el === at) at = at.nextElementSibling;
      else body.insertBefore(el, at);
    }
    while (at) {
      const gone = at;
      at = at.nextElementSibling;
      gone.remove();
    }
    this.lists.delete(id);
    if (focus instanceof HTMLElement && focus !== document.activeElement && focus.isConnected) {
      focus.focus({ preventScroll: true });
    }
  }

  /** Loads the page again and applies the differences. */
  async refresh() {
    const answer = await fetch(location.href, { cache: 'no-store' }).catch(() => undefined);
    const html = await answer?.text().catch(() => undefined);
    clearTimeout(this.later);
    if (answer?.status === 404) this.setGone(this.gone || Date.now());
    const status = answer?.status ?? 0;
    if (html === undefined || status === 401 || status >= 500) { // the reason for this refresh is not sent again
      this.later = setTimeout(() => this.renew(), AGAIN * (0.5 + Math.random() / 2));
    }
    if (!answer?.ok || html === undefined) return;
    this.setGone(0);
    this.loaded = Date.now();
    const next = new DOMParser().parseFromString(html, 'text/html');
    next.getElementById('not-live')?.remove();
    for (const id of ['who', 'strip', 'stop-control', 'stop-dialog', 'main']) {
      const [from, to] = [document.getElementById(id), next.getElementById(id)];
      if (from && to) morph(from, to);
    }
    this.cursor = next.documentElement.dataset.cursor ?? '';
    this.who = next.documentElement.dataset.who ?? '';
    this.lists.clear();
    this.countNew();
    this.link?.again();
    for (const f of this.changes) f();
  }
}

/** @param {string} topic @param {number} since */
function goneNotice(topic, since) {
  const notice = document.createElement('p');
  notice.id = 'gone';
  notice.className = 'alert t-off';
  const what = topic.startsWith('/ui/drivers/') ? 'This driver' : 'This page';
  const at = clock(since);
  notice.textContent = `${what} has been unknown to the server since ${at}. The content of this page is out of date.`;
  return notice;
}

/** A row needs a table around it to be parsed. @param {string} html */
function rowOf(html) {
  return parse('<table><tbody>' + html + '</tbody></table>')?.querySelector('tr') ?? null;
}
