import dagre from "@dagrejs/dagre";
import type { Box } from "./model";
import { byWays } from "./ordering";

/** Where boxes stand that nobody has moved: top to bottom, in the order of the ways out. */

export const HEIGHT = 92;
const WIDTH = 236;
const WAY = 92;
const GRID = 10;
const SIDE = 44;
const BELOW = 64;
/** Nodes beyond which dagre would keep its reader waiting: it takes minutes for thousands. */
const LARGE = 300;

export interface Wired {
  id: string;
  /** [way out, node it leads to; "" or "end" for none]. */
  ways: [string, string][];
}

/** A box is as wide as its ways out need. */
export function widthOf(ways: number): number {
  return Math.max(WIDTH, ways * WAY);
}

export interface Laid {
  places: Map<string, Box>;
  /** Of `node|way out`: the points between the two boxes by which the edge passes others, top to bottom. */
  routes: Map<string, Box[]>;
}

export function laidOut(nodes: readonly Wired[]): Laid {
  return nodes.length > LARGE ? { places: inRows(nodes), routes: new Map() } : byDagre(nodes);
}

function byDagre(nodes: readonly Wired[]): Laid {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: SIDE, ranksep: BELOW, marginx: 20, marginy: 20 });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(nodes.map((node) => node.id));
  for (const node of nodes) graph.setNode(node.id, { width: widthOf(node.ways.length), height: HEIGHT });
  for (const node of nodes) {
    for (const [way, target] of node.ways) if (known.has(target) && target !== node.id) graph.setEdge(node.id, target, {}, way);
  }
  dagre.layout(graph, { customOrder: byWays(new Map(nodes.map((node) => [node.id, node.ways.map(([way]) => way)]))) });
  const at = (id: string) => graph.node(id) as { x: number; y: number };
  const rows = [...new Set(nodes.map((node) => at(node.id).y))].sort((a, b) => a - b);
  const places = new Map(
    nodes.map((node): [string, Box] => [node.id, [snap(at(node.id).x - widthOf(node.ways.length) / 2), snap(at(node.id).y - HEIGHT / 2)]]),
  );
  const routes = new Map<string, Box[]>();
  for (const { v, w, name } of graph.edges()) {
    const { points } = graph.edge({ v, w, name }) as { points: { x: number; y: number }[] };
    const passed = new Set(rows.filter((y) => y > at(v).y && y < at(w).y));
    // Straight down beside the boxes of a row, and aside only between two rows.
    routes.set(`${v}|${name}`, points.filter(({ y }) => passed.has(y)).flatMap(({ x, y }): Box[] => [[x, y - HEIGHT / 2], [x, y + HEIGHT / 2]]));
  }
  return { places, routes };
}

export function snap(value: number): number {
  return Math.round(value / GRID) * GRID;
}

/** Each node a row below the last that leads to it, in its row below those that lead to it. Linear, and plainer than dagre. */
function inRows(nodes: readonly Wired[]): Map<string, Box> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const waiting = new Map(nodes.map((node) => [node.id, 0]));
  const after = (node: Wired) => [...new Set(node.ways.map(([, target]) => target))].filter((target) => byId.has(target) && target !== node.id);
  for (const node of nodes) for (const target of after(node)) waiting.set(target, waiting.get(target)! + 1);
  const row = new Map<string, number>();
  const middle = new Map<string, number>();
  const ready = nodes.filter((node) => waiting.get(node.id) === 0);
  for (let n = 0; n < ready.length; n++) {
    const node = ready[n]!;
    const below = (row.get(node.id) ?? row.set(node.id, 0).get(node.id)!) + 1;
    for (const [k, target] of after(node).entries()) {
      row.set(target, Math.max(below, row.get(target) ?? 0));
      middle.set(target, Math.max(middle.get(target) ?? -Infinity, (middle.get(node.id) ?? 0) + k));
      waiting.set(target, waiting.get(target)! - 1);
      if (waiting.get(target) === 0) ready.push(byId.get(target)!);
    }
  }
  const rows: Wired[][] = [];
  // What goes around in a circle has no row of its own; the validator says so, and it stands at the top.
  for (const node of nodes) (rows[row.get(node.id) ?? 0] ??= []).push(node);
  const places = new Map<string, Box>();
  for (const [n, inRow = []] of rows.entries()) {
    inRow.sort((a, b) => (middle.get(a.id) ?? 0) - (middle.get(b.id) ?? 0));
    let x = -inRow.reduce((sum, node) => sum + widthOf(node.ways.length) + SIDE, -SIDE) / 2;
    for (const node of inRow) {
      places.set(node.id, [snap(x), n * snap(HEIGHT + BELOW)]);
      x += widthOf(node.ways.length) + SIDE;
    }
  }
  return places;
}
