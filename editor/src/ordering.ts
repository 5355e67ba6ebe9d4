import type { graphlib } from "@dagrejs/dagre";

/**
 * The order of what stands in a row. Dagre knows boxes and nothing of their ways out, which leave a box in an order of
 * their own; here a crossing is counted where it is drawn. The moves are those of `nurture/drawing/layout.py`: a walk, rows
 * sorted by the middle of what they hang on, neighbours exchanged, several times over from other beginnings; and each edge
 * is led where it crosses the fewest others.
 */

type Graph = graphlib.Graph;

/** An item of a row: a box, or the place where a long edge passes. */
interface Item {
  id: string;
  box: boolean;
  rank: number;
  order: number;
  /** Each with its place among the ways out of what is above, from 0 to below a half. */
  ups: { item: Item; port: number }[];
  downs: { item: Item; port: number }[];
}

/** A place in a row, and the one before it from which the fewest crossings lead here. */
interface Step {
  at: number;
  crossed: number;
  from: number;
}

/** So many boxes and bends are ordered with all that helps; beyond it, what is drawn again with each change may not wait. */
const MANY = 500;
const ATTEMPTS = 4;
const TURNS = 10;

/** Dagre's `customOrder`: dagre's own order, made better as far as the ways out see it. */
export function byWays(ways: ReadonlyMap<string, readonly string[]>) {
  return (graph: Graph, dagres: (graph: Graph) => void): void => {
    dagres(graph);
    const rows = rowsOf(graph, ways);
    const items = rows.flat();
    const chains = chainsOf(items);
    let best = rows.map((row) => [...row]);
    let fewest = crossings(rows);
    const many = items.length > MANY;
    for (let attempt = 0; attempt < (many ? 1 : ATTEMPTS) && fewest > 0; attempt++) {
      const tried = attempt === 0 ? best.map((row) => [...row]) : walked(items, rows.length, attempt);
      tried.forEach(number);
      for (let turn = 0; turn < (many ? 3 : TURNS) && fewest > 0; turn++) {
        if (turn || attempt) sortByMiddle(tried, (turn + attempt) % 2 === 0);
        exchange(tried);
        if (!many) for (const chain of chains) reroute(tried, chain);
        const found = crossings(tried);
        if (found < fewest) [best, fewest] = [tried.map((row) => [...row]), found];
      }
    }
    for (const row of best) for (const [order, { id }] of row.entries()) graph.node(id).order = order;
  };
}

function rowsOf(graph: Graph, ways: ReadonlyMap<string, readonly string[]>): Item[][] {
  const items = new Map(graph.nodes().map((id): [string, Item] => {
    const { rank, order } = graph.node(id) as { rank: number; order: number };
    return [id, { id, box: ways.has(id), rank, order, ups: [], downs: [] }];
  }));
  for (const edge of graph.edges()) {
    const [above, below] = [items.get(edge.v)!, items.get(edge.w)!];
    const outcomes = ways.get(edge.v);
    // The first bend of an edge knows which edge it is of.
    const way = (graph.node(edge.w) as { edgeObj?: { name?: string } }).edgeObj?.name ?? "";
    const port = outcomes ? Math.max(0, outcomes.indexOf(way)) / (2 * outcomes.length) : 0;
    above.downs.push({ item: below, port });
    below.ups.push({ item: above, port });
  }
  const rows: Item[][] = [];
  for (const item of items.values()) (rows[item.rank] ??= []).push(item);
  const found = [...rows].map((row) => (row ?? []).sort((a, b) => a.order - b.order));
  for (const item of items.values()) item.downs.sort((a, b) => a.port - b.port);
  found.forEach(number);
  return found;
}

function number(row: Item[]): void {
  for (const [order, item] of row.entries()) item.order = order;
}

/** Rows in the order in which a walk through the edges comes by; another attempt takes them in another order. */
function walked(items: readonly Item[], rows: number, attempt: number): Item[][] {
  const found: Item[][] = Array.from({ length: rows }, () => []);
  const seen = new Set<Item>();
  const turn = (item: Item, n: number) => (attempt === 1 ? n : ((n + item.rank + 1) * (attempt * 2_654_435_761 + 40_503)) % 1_000_003);
  for (const root of items) {
    const stack = root.ups.length ? [] : [root];
    for (let item = stack.pop(); item; item = stack.pop()) {
      if (seen.has(item)) continue;
      seen.add(item);
      found[item.rank]!.push(item);
      const downs = item.downs.map(({ item: down }, n) => ({ down, by: turn(down, n) })).sort((a, b) => b.by - a.by);
      stack.push(...downs.map(({ down }) => down));
    }
  }
  for (const item of items) if (!seen.has(item)) found[item.rank]!.push(item);
  return found;
}

/** Sort each row by the middle of what each item hangs on. */
function sortByMiddle(rows: Item[][], downwards: boolean): void {
  for (const row of downwards ? rows : [...rows].reverse()) {
    const middles = new Map(row.map((item) => {
      const places = downwards ? item.ups.map((up) => up.item.order + up.port) : item.downs.map((down) => down.item.order);
      places.sort((a, b) => a - b);
      const half = places.length >> 1;
      const middle = !places.length ? item.order : places.length % 2 ? places[half]! : (places[half - 1]! + places[half]!) / 2;
      return [item, middle];
    }));
    row.sort((a, b) => middles.get(a)! - middles.get(b)!);
    number(row);
  }
}

/** Exchange neighbours as long as that takes crossings away. */
function exchange(rows: Item[][]): void {
  for (const row of rows) {
    for (let round = 0, moved = true; moved && round < 8; round++) {
      moved = false;
      for (let at = 0; at + 1 < row.length; at++) {
        const [left, right] = [row[at]!, row[at + 1]!];
        if (gain(left, right) <= 0) continue;
        [row[at], row[at + 1]] = [right, left];
        [left.order, right.order] = [right.order, left.order];
        moved = true;
      }
    }
  }
}

/** The bends of each edge, from top to bottom. */
function chainsOf(items: readonly Item[]): Item[][] {
  return items.filter((item) => !item.box && item.ups[0]?.item.box).map((first) => {
    const chain = [first];
    for (let next = first.downs[0]?.item; next && !next.box; next = next.downs[0]?.item) chain.push(next);
    return chain;
  });
}

/** Take this edge out and lead it again, past whatever stands in each row on the side where it crosses the fewest others. */
function reroute(rows: Item[][], chain: readonly Item[]): void {
  const [first, last] = [chain[0]!, chain.at(-1)!];
  for (const item of chain) {
    rows[item.rank]!.splice(item.order, 1);
    number(rows[item.rank]!);
  }
  const [{ item: above, port }] = first.ups as [{ item: Item; port: number }];
  let steps: Step[] = [{ at: above.order + port, crossed: 0, from: 0 }];
  const taken: Step[][] = [];
  for (const item of [...chain, last.downs[0]!.item]) {
    const row = rows[item.rank]!;
    const places = item.box ? [item.order] : Array.from({ length: row.length + 1 }, (_, n) => n - 0.5);
    const between = rows[item.rank - 1]!.flatMap((upper) => upper.downs.flatMap((down) => (chain.includes(down.item) || chain.includes(upper) ? [] : [[upper.order + down.port, down.item.order] as const])));
    steps = places.map((at) => {
      let best: Step = { at, crossed: Infinity, from: 0 };
      for (const [from, step] of steps.entries()) {
        let crossed = step.crossed;
        for (const [top, bottom] of between) if ((top - step.at) * (bottom - at) < 0) crossed++;
        if (crossed < best.crossed) best = { at, crossed, from };
      }
      return best;
    });
    taken.push(steps);
  }
  let from = taken.pop()![0]!.from;
  for (const item of [...chain].reverse()) {
    const step = taken.pop()![from]!;
    rows[item.rank]!.splice(step.at + 0.5, 0, item);
    number(rows[item.rank]!);
    from = step.from;
  }
}

/** How many crossings there are between the edges of these two neighbours more than there were the other way round. */
function gain(left: Item, right: Item): number {
  let found = 0;
  for (const a of left.ups) for (const b of right.ups) found += Math.sign(a.item.order + a.port - b.item.order - b.port);
  for (const a of left.downs) for (const b of right.downs) found += Math.sign(a.item.order - b.item.order);
  return found;
}

/** Edges between two rows cross where those that begin further left end further right. */
function crossings(rows: readonly (readonly Item[])[]): number {
  let found = 0;
  for (const row of rows) {
    const ends: number[] = [];
    for (const item of row) {
      for (const { item: { order } } of item.downs) {
        let at = ends.length;
        while (at > 0 && ends[at - 1]! > order) at--;
        found += ends.length - at;
        ends.splice(at, 0, order);
      }
    }
  }
  return found;
}
