// @ts-check
// Draws the players chart as view/playerschart.go does, from the same numbers.
import { base } from './base.js';
import { clock } from './time.js';

const HOLE = 12_000; // ms between two points above which data is missing
const WINDOW = 3_600_000;
const LEAST = 60_000;
const ROWS = 20;

/** gap: there is no data since the previous point.
 * @typedef {{at: number, target: number, actual: number, gap: boolean}} Point */

export class Players {
  /** @param {Element} figure */
  constructor(figure) {
    this.figure = figure;
    /** @type {Point[]} */ this.points = [];
    /** @type {Set<number>} */ this.seen = new Set();
    /** @type {Map<number, {at: number, words: string}>} */ this.marks = new Map();
    this.dirty = false;
  }

  async load() {
    const answer = await fetch(base + '/ui/series', { cache: 'no-store' }).catch(() => undefined);
    if (!answer?.ok) return;
    for (const item of await answer.json()) this.add(item);
    this.draw();
  }

  /** Adds a point or a mark, unless it was added before. @param {any[]} item */
  add(item) {
    if (item[0] === 'm') {
      this.marks.set(item[2], { at: item[1], words: `#${item[2]} ${item[3]}` });
    } else if (item[0] === 'p' && !this.seen.has(item[1])) {
      this.seen.add(item[1]);
      this.points.push({ at: item[1], target: item[2], actual: item[3], gap: item[4] === 1 });
      const before = this.points[this.points.length - 2];
      if (before && before.at > item[1]) this.points.sort((a, b) => a.at - b.at);
    }
    this.dirty = true;
  }

  /** @param {string} name */
  layer(name) { return this.figure.querySelector(`[data-layer="${name}"]`); }

  draw() {
    if (!this.dirty || !this.points.length) return;
    this.dirty = false;
    const last = this.points[this.points.length - 1];
    this.points = this.points.filter((p) => p.at > last.at - WINDOW || !this.seen.delete(p.at));
    const from = Math.min(this.points[0].at, last.at - LEAST);
    const top = niceTop(Math.max(1, ...this.points.map((p) => Math.max(p.target, p.actual))));
    this.x = (/** @type {number} */ at) => Math.round((10000 * (at - from)) / (last.at - from)) / 10;
    const y = (/** @type {number} */ n) => Math.round(1000 - (1000 * n) / top) / 10;
    this.lines(y);
    for (const [at, m] of this.marks) if (m.at < from) this.marks.delete(at);
    const marks = [...this.marks.values()].filter((m) => m.at <= last.at);
    const lines = marks.map((m) => svg('path', { class: 'mark', d: `M${this.x?.(m.at)} 0V100` }));
    this.layer('marks')?.replaceChildren(...lines);
    this.text('[data-axis="max"]', top.toLocaleString('en'));
    this.text('[data-axis="from"]', clock(from));
    this.text('[data-axis="to"]', clock(last.at));
    this.text('[data-last="target"]', last.target.toLocaleString('en'));
    this.text('[data-last="actual"]', last.actual.toLocaleString('en'));
    this.table();
  }

  /** @param {(n: number) => number} y */
  lines(y) {
    let target = '', actual = '';
    /** @type {Element[]} */ const holes = [];
    this.points.forEach((p, i) => {
      const x = this.x?.(p.at);
      const before = this.points[i - 1], next = this.points[i + 1];
      if (!before || hole(before, p)) {
        if (before) {
          const from = this.x?.(before.at);
          const width = String((x ?? 0) - (from ?? 0));
          const fill = 'url(#players-hatch)';
          holes.push(svg('rect', { class: 'hole', x: String(from), width, y: '0', height: '100', fill }));
        }
        target += `M${x} ${y(p.target)}`;
        actual += `M${x} ${y(p.actual)}`;
        return;
      }
      const ends = !next || hole(p, next);
      if (ends || p.target !== before.target) target += `H${x}V${y(p.target)}`;
      if (ends || p.actual !== before.actual || p.actual !== next.actual) actual += `L${x} ${y(p.actual)}`;
    });
    this.layer('target')?.setAttribute('d', target);
    this.layer('actual')?.setAttribute('d', actual);
    this.layer('holes')?.replaceChildren(...holes);
  }

  /** @param {string} selector @param {string} words */
  text(selector, words) {
    const el = this.figure.querySelector(selector);
    if (el && el.textContent !== words) el.textContent = words;
  }

  /** The table is updated only while it is open. */
  table() {
    const body = this.figure.querySelector('[data-twin]');
    if (!body || !this.figure.querySelector('details')?.open) return;
    const step = Math.max(1, Math.floor(this.points.length / ROWS));
    const chosen = this.points.filter((_, i) => (this.points.length - 1 - i) % step === 0).reverse();
    body.replaceChildren(...chosen.map((p, i) => {
      const row = document.createElement('tr');
      const head = document.createElement('th');
      head.scope = 'row';
      head.textContent = clock(p.at);
      const figures = [p.target, p.actual].map((n) => cell('n', n.toLocaleString('en')));
      row.append(head, ...figures, cell('', this.between(chosen[i + 1]?.at ?? 0, p.at)));
      return row;
    }));
  }

  /** The commands after one moment and until another, the oldest first. @param {number} since @param {number} until */
  between(since, until) {
    const marks = [...this.marks.values()].filter((m) => m.at > since && m.at <= until);
    return marks.sort((a, b) => a.at - b.at).map((m) => m.words).join(', ');
  }

  /** The text of the chart at each point, and at each command. */
  values() {
    if (!this.x) return [];
    const points = this.points.map((p) => ({
      x: this.x?.(p.at) ?? 0,
      words: `${clock(p.at)} · ${p.actual.toLocaleString('en')} of ${p.target.toLocaleString('en')} players`,
    }));
    const marks = [...this.marks.values()].map((m) => ({
      x: this.x?.(m.at) ?? 0,
      words: `${clock(m.at)} · ${m.words}`,
    }));
    return [...points, ...marks].sort((a, b) => a.x - b.x);
  }
}

/** @param {Point} a @param {Point} b */
function hole(a, b) { return b.gap || b.at - a.at > HOLE; }

/** @param {string} kind @param {string} words */
function cell(kind, words) {
  const td = document.createElement('td');
  td.className = kind;
  td.textContent = words;
  return td;
}

/** @param {string} name @param {Record<string, string>} attributes */
function svg(name, attributes) {
  const el = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [k, v] of Object.entries(attributes)) el.setAttribute(k, v);
  return el;
}

/** @param {number} n */
function niceTop(n) {
  for (let unit = 1; ; unit *= 10) for (const f of [1, 2, 5]) if (f * unit >= n) return f * unit;
}
