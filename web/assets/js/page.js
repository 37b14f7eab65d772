// @ts-check
// What is live on a page, and what the page says about it: Live, Reconnecting (stale since), Paused, Signed out.
import { link } from './link.js';
import { morph, parse } from './morph.js';

export class Page {
  constructor() {
    const root = document.documentElement;
    this.topic = root.dataset.topic ?? '';
    this.build = root.dataset.build ?? '';
    this.cursor = root.dataset.cursor ?? '';
    this.paused = false;
    this.held = new Map(); // patches while paused: the newest of each element
    this.heldItems = /** @type {any[]} */ ([]);
    this.heldNews = 0;
    this.state = 'connecting';
    this.since = 0;
    /** @type {(() => void)[]} */ this.changes = [];
    /** @type {((item: any[]) => void)[]} */ this.items = [];
    /** @type {Map<string, any>} */ this.lists = new Map(); // what is not shown yet of lists that hold back
  }

  /** @param {() => void} f called after the page changed */
  onchange(f) { this.changes.push(f); }
  /** @param {(item: any[]) => void} f called with each point and mark */
  onitem(f) { this.items.push(f); }

  start() {
    document.getElementById('conn')?.removeAttribute('hidden');
    document.getElementById('pause')?.addEventListener('click', () => this.pause());
    document.getElementById('more-new')?.addEventListener('click', () => this.showNew());
    this.show('connecting', 'Connecting');
    this.link = link(this.topic || '/ui/stop', () => this.cursor, (m) => this.hear(m));
    setInterval(() => this.state === 'lost' && this.showLost(), 1000);
  }

  /** @param {any} m */
  hear(m) {
    if (m.kind === 'patch') this.patch(m.data);
    else if (m.kind === 'reset') this.refresh();
    else if (m.kind === 'out') this.show('out', 'Signed out');
    else if (m.kind === 'lost') { this.since = m.since; this.state = 'lost'; this.showLost(); }
    else if (m.build && this.build && m.build !== this.build) this.show('old', 'Server was updated: reload the page');
    else if (this.state !== 'old') this.show('live', 'Live');
  }

  showLost() {
    const clock = new Date(this.since).toISOString().slice(11, 19);
    this.show('lost', `Reconnecting (stale since ${clock}, ${Math.round((Date.now() - this.since) / 1000)} s)`);
  }

  /** @param {string} state @param {string} word */
  show(state, word) {
    this.state = state;
    document.body.classList.toggle('stale', state === 'lost' || state === 'out');
    const badge = document.getElementById('conn');
    const text = document.getElementById('conn-word');
    if (!badge || !text) return;
    const paused = this.paused && state === 'live';
    badge.dataset.state = paused ? 'paused' : state;
    text.textContent = paused ? 'Paused' + (this.heldNews ? ` · +${this.heldNews}` : '') : word;
  }

  pause() {
    this.paused = !this.paused;
    const button = document.getElementById('pause');
    if (button) {
      button.setAttribute('aria-pressed', String(this.paused));
      button.textContent = this.paused ? 'Resume' : 'Pause';
    }
    if (!this.paused) {
      const held = { parts: [...this.held.values()].filter((h) => h.html).map((h) => h.html), items: this.heldItems, lists: [...this.held.values()].filter((h) => h.list).map((h) => h.list) };
      this.held.clear();
      this.heldItems = [];
      this.heldNews = 0;
      this.patch(held);
    }
    if (this.state === 'live') this.show('live', 'Live');
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
    for (const html of p.parts ?? []) this.held.set('part ' + parse(html)?.id, { html });
    for (const l of p.lists ?? []) {
      const old = this.held.get('list ' + l.id)?.list ?? { id: l.id, rows: [] };
      const rows = new Map([...(old.rows ?? []), ...(l.rows ?? [])].map((r) => [rowOf(r)?.id, r]));
      this.held.set('list ' + l.id, { list: { id: l.id, order: l.order ?? old.order, rows: [...rows.values()] } });
    }
    this.heldItems = [...this.heldItems, ...(p.items ?? [])].slice(-600);
    if (this.state === 'live') this.show('live', 'Live');
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
      this.refresh(); // the page around the list is another one when the list is empty
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

  /** Rows that are new keep out of the way until they are asked for: what one reads must not move. */
  countNew() {
    const button = document.getElementById('more-new');
    const waiting = this.lists.get('command-rows');
    const n = (waiting?.order ?? []).filter((/** @type {string} */ id) => !document.getElementById(id)).length;
    if (button) {
      button.hidden = n === 0;
      button.textContent = `Show ${n} new`;
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
    if (focus instanceof HTMLElement && focus !== document.activeElement && focus.isConnected) focus.focus({ preventScroll: true });
  }

  /** Loads the page anew and changes what differs. */
  async refresh() {
    const answer = await fetch(location.href, { cache: 'no-store' }).catch(() => undefined);
    if (!answer?.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const id of ['strip', 'stop-what', 'main']) {
      const [from, to] = [document.getElementById(id), next.getElementById(id)];
      if (from && to) morph(from, to);
    }
    this.cursor = next.documentElement.dataset.cursor ?? '';
    this.lists.clear();
    this.countNew();
    this.link?.again();
    for (const f of this.changes) f();
  }
}

/** A row cannot stand alone: it needs a table around it to be parsed. @param {string} html */
function rowOf(html) {
  return parse('<table><tbody>' + html + '</tbody></table>')?.querySelector('tr') ?? null;
}
