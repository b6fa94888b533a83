'use strict';
/* All edits of the suspicious nodes, lazily, in the order of prior x suspicion x weight; each program once. */

const templates = require('./templates.cjs');

const MOST_NODES = 80;
const MOST_RIVALS = 400;
const INSIDE = 0.9;
/** A node that is only reached through its statement's counter takes this share of that suspicion. */

class Heap {
  constructor() {
    this.items = [];
  }
  push(score, value) {
    const { items } = this;
    let at = items.push([score, items.length, value]) - 1;
    for (let up; at && items[(up = (at - 1) >> 1)][0] < score; at = up)
      [items[at], items[up]] = [items[up], items[at]];
  }
  pop() {
    const { items } = this;
    const [top, last] = [items[0], items.pop()];
    if (!items.length) return top && top[2];
    items[0] = last;
    for (let at = 0, down; (down = 2 * at + 1) < items.length; at = down) {
      if (down + 1 < items.length && items[down + 1][0] > items[down][0]) down += 1;
      if (items[at][0] >= items[down][0]) break;
      [items[at], items[down]] = [items[down], items[at]];
    }
    return top[2];
  }
}

/** The suspicion of each node of a site, from its own counter or the nearest one around it. */
function suspects(site, of, suspicion) {
  const found = [];
  const { ts } = site;
  const visit = (node, around) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return 0;
    const own = of.has(node) ? suspicion.get(of.get(node)) || 0 : around;
    const at = found.push([node, own]) - 1;
    let most = own;
    ts.forEachChild(node, (child) => {
      most = Math.max(most, visit(child, own));
    });
    const holder = ts.isFunctionLike(node) || ts.isVariableDeclarationList(node) || ts.isParameter(node);
    if (holder) found[at][1] = Math.max(own, most * INSIDE);
    return Math.max(own, most);
  };
  for (const statement of site.sf.statements) visit(statement, 0);
  // Parameters take their function's.
  for (const pair of found)
    if (ts.isParameter(pair[0]))
      pair[1] = Math.max(pair[1], (found.find(([node]) => node === pair[0].parent) || [0, 0])[1]);
  return found.filter(([, score]) => score > 0);
}

/** Proposals {site, node, template, edit, score}. `places`: [{site, of}]; `seen`: identities that were proposed. */
function* proposals(ts, places, suspicion, seen) {
  const table = templates(ts);
  const heap = new Heap();
  for (const { site, of } of places) {
    for (const [node, suspect] of suspects(site, of, suspicion)) {
      for (const template of table)
        if (template.on(node)) heap.push(template.prior * suspect, { site, node, template, suspect });
    }
  }
  for (let top = heap.pop(); top; top = heap.pop()) {
    if (!top.edit) {
      const { site, node, template, suspect } = top;
      for (const edit of template.edits(site, node)) {
        const score = template.prior * suspect * (edit.weight ?? 1);
        heap.push(score, { site, node, template, edit, score });
      }
      continue;
    }
    const key = identity(top.site, top.edit);
    if (key && !seen.has(key)) {
      seen.add(key);
      yield top;
    }
  }
}

/** What else the statement of a plausible edit could say: whether the tests tell that edit from its neighbours. */
function* rivals(ts, { site, node, template, edit }, seen) {
  const statement = site.statement(node) || node;
  const value = /^-?\d+(\.\d+)?$/.test(edit.text) ? Number(edit.text) : null;
  const near = value === null ? [] : [value + 1, value - 1, value + 2, value * 2, value * 10];
  const found = near.map((number) => ({ site, node, template, edit: { ...edit, text: String(number) }, score: 0.2 }));
  const around = site.walk(statement).slice(0, MOST_NODES);
  for (const each of around) {
    for (const other of templates(ts)) {
      if (!other.on(each)) continue;
      const nearer = each === node ? 1 : 0.5;
      for (const more of other.edits(site, each)) {
        found.push({
          site,
          node: each,
          template: other,
          edit: more,
          score: nearer * other.prior * (more.weight ?? 1),
        });
      }
    }
  }
  const first = found.splice(0, near.length);
  for (const each of [...first, ...found.sort((a, b) => b.score - a.score)].slice(0, MOST_RIVALS)) {
    const key = identity(each.site, each.edit);
    if (!key || seen.has(key)) continue;
    seen.add(key);
    yield [each];
  }
}

/** Without blanks, but for those in strings. */
const squeezed = (text) =>
  text.replace(/(['"`])(?:\\.|(?!\1)[^\\\n])*\1|\s+/g, (found) => (/\s/.test(found[0]) ? '' : found));

/** The same for edits that come to the same program but for blanks; "" for one that changes nothing. */
function identity({ source, path }, { start, end, text }) {
  const before = squeezed(source.slice(start, end));
  const after = squeezed(text);
  if (before === after) return '';
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail))
    tail += 1;
  const place = squeezed(source.slice(0, start)).length + head;
  return `${path}:${place}:${before.length - head - tail}:${after.slice(head, after.length - tail)}`;
}

module.exports = { proposals, rivals };
