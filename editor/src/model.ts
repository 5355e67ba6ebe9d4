/** A campaign as it is drawn: its JSON document, and what may be done to it. Everything here is pure. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Members = { [key: string]: Json };
export type Box = [number, number];

export interface NodeJson extends Members {
  type: string;
}

/** The document, and the boxes that somebody has moved. */
export interface Drawing {
  draft: Members;
  boxes: Record<string, Box>;
}

export const END = "end";
export const NODE_ID = /^[a-z][a-z0-9_]{0,63}$/;

export function isMembers(value: Json | undefined): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function nodesOf(draft: Members): Record<string, NodeJson> {
  const nodes = draft.nodes;
  if (!isMembers(nodes)) return {};
  return Object.fromEntries(Object.entries(nodes).filter(([, node]) => isMembers(node))) as Record<string, NodeJson>;
}

export function startOf(draft: Members): string {
  return typeof draft.start === "string" ? draft.start : "";
}

/** Where each way out leads; "" where nothing follows yet. */
export function targets(node: NodeJson, ways: readonly string[]): Map<string, string> {
  const next = node.next;
  const found = new Map<string, string>();
  for (const way of ways) {
    const target = typeof next === "string" ? next : isMembers(next) ? next[way] : undefined;
    found.set(way, typeof target === "string" ? target : "");
  }
  return found;
}

/** The ways out as the server told them; for one it could not tell, those it told last or those that are drawn. */
export function waysOf(node: NodeJson, told: readonly string[] | null | undefined, last: readonly string[] | undefined): string[] {
  if (told) return [...told];
  const drawn = isMembers(node.next) ? Object.keys(node.next) : [];
  return [...new Set([...(last ?? []), ...drawn])];
}

export function setNode(drawing: Drawing, id: string, node: NodeJson): Drawing {
  return { ...drawing, draft: { ...drawing.draft, nodes: { ...nodesOf(drawing.draft), [id]: node } } };
}

/** With `undefined`, the member is left out. */
export function withMember(members: Members, key: string, value: Json | undefined): Members {
  const { [key]: _, ...others } = members;
  if (value === undefined) return others;
  return key in members ? { ...members, [key]: value } : { ...others, [key]: value };
}

/** Lead one way out to a node or to the end; to "" for nowhere. */
export function connect(drawing: Drawing, id: string, ways: readonly string[], way: string, target: string): Drawing {
  const node = nodesOf(drawing.draft)[id];
  if (!node) return drawing;
  const next: Members = {};
  for (const [each, to] of targets(node, ways)) {
    const chosen = each === way ? target : to;
    if (chosen) next[each] = chosen;
  }
  return setNode(drawing, id, withMember(node, "next", Object.keys(next).length ? next : undefined) as NodeJson);
}

/** A name that is free: `wait`, then `wait_2`. */
export function freeId(wanted: string, taken: ReadonlySet<string>): string {
  const stem = wanted.replace(/_\d+$/, "").slice(0, 58) || "node";
  if (!taken.has(wanted) && wanted !== END) return wanted;
  for (let n = 2; ; n++) if (!taken.has(`${stem}_${n}`)) return `${stem}_${n}`;
}

/** A new node, with its name. The first one of a campaign is where it starts. */
export function addNode(drawing: Drawing, node: NodeJson, wanted: string, box?: Box): [Drawing, string] {
  const nodes = nodesOf(drawing.draft);
  const id = freeId(wanted === END ? `${END}_here` : wanted, new Set(Object.keys(nodes)));
  const draft: Members = { ...drawing.draft, nodes: { ...nodes, [id]: node } };
  if (!nodes[startOf(drawing.draft)]) draft.start = id;
  return [{ draft, boxes: box ? { ...drawing.boxes, [id]: box } : drawing.boxes }, id];
}

/** Without these nodes. Where a node with one way out stood, its predecessors lead on to what followed it. */
export function removeNodes(drawing: Drawing, ids: ReadonlySet<string>): Drawing {
  const nodes = nodesOf(drawing.draft);
  const after = (target: string, seen: Set<string>): string => {
    if (!ids.has(target)) return target;
    if (seen.has(target)) return "";
    const ways = onward(nodes[target]);
    return ways.size === 1 ? after([...ways][0]!, new Set(seen).add(target)) : "";
  };
  const kept: Record<string, NodeJson> = {};
  for (const [id, node] of Object.entries(nodes)) {
    if (!ids.has(id)) kept[id] = retargeted(node, (target) => after(target, new Set()));
  }
  const start = startOf(drawing.draft);
  const draft: Members = { ...drawing.draft, nodes: kept };
  if (ids.has(start)) {
    const first = after(start, new Set());
    draft.start = kept[first] ? first : (Object.keys(kept)[0] ?? "");
  }
  return { draft, boxes: Object.fromEntries(Object.entries(drawing.boxes).filter(([id]) => !ids.has(id))) };
}

function onward(node: NodeJson | undefined): Set<string> {
  const next = node?.next;
  if (typeof next === "string") return new Set([next]);
  return new Set(isMembers(next) ? Object.values(next).filter((to) => typeof to === "string") : []);
}

function retargeted(node: NodeJson, moved: (target: string) => string): NodeJson {
  const next = node.next;
  if (typeof next === "string") {
    const to = moved(next);
    return to === next ? node : (withMember(node, "next", to || undefined) as NodeJson);
  }
  if (!isMembers(next)) return node;
  const kept = Object.entries(next)
    .map(([way, to]): [string, Json] => [way, typeof to === "string" ? moved(to) : to])
    .filter(([, to]) => to !== "");
  return withMember(node, "next", kept.length ? Object.fromEntries(kept) : undefined) as NodeJson;
}

/** The node under another name, wherever it is named: edges, start, boxes, and settings that name a node. */
export function renameNode(drawing: Drawing, from: string, to: string, naming: (type: string) => readonly string[]): Drawing {
  const nodes: Record<string, NodeJson> = {};
  for (const [id, node] of Object.entries(nodesOf(drawing.draft))) {
    let changed = retargeted(node, (target) => (target === from ? to : target));
    for (const key of naming(node.type)) if (changed[key] === from) changed = { ...changed, [key]: to };
    nodes[id === from ? to : id] = changed;
  }
  const draft: Members = { ...drawing.draft, nodes };
  if (draft.start === from) draft.start = to;
  const boxes = Object.fromEntries(Object.entries(drawing.boxes).map(([id, box]) => [id === from ? to : id, box]));
  return { draft, boxes };
}

/** What the clipboard holds: nodes by name, as in a campaign file, under a key that says so. */
export function copied(drawing: Drawing, ids: readonly string[]): string {
  const nodes = nodesOf(drawing.draft);
  return JSON.stringify({ nodes: Object.fromEntries(ids.filter((id) => nodes[id]).map((id) => [id, nodes[id]])) }, null, 2);
}

/** The nodes of a clipboard text under names that are free; edges among them are kept, others lead nowhere yet. */
export function pasted(drawing: Drawing, text: string, naming: (type: string) => readonly string[]): [Drawing, string[]] | null {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return null;
  }
  const found = isMembers(value) && isMembers(value.nodes) ? Object.entries(value.nodes) : [];
  const fresh = found.filter((entry): entry is [string, NodeJson] => isMembers(entry[1]) && typeof entry[1].type === "string");
  if (!fresh.length || fresh.length > 2000) return null;
  const nodes = { ...nodesOf(drawing.draft) };
  const names = new Map<string, string>();
  const taken = new Set(Object.keys(nodes));
  for (const [id] of fresh) {
    const name = freeId(NODE_ID.test(id) ? id : "node", taken);
    names.set(id, name);
    taken.add(name);
  }
  for (const [id, node] of fresh) {
    let copy = retargeted(node, (target) => (target === END ? END : (names.get(target) ?? "")));
    for (const key of naming(node.type)) {
      const named = copy[key];
      if (typeof named === "string" && names.has(named)) copy = { ...copy, [key]: names.get(named)! };
    }
    nodes[names.get(id)!] = copy;
  }
  const draft: Members = { ...drawing.draft, nodes };
  if (!nodes[startOf(drawing.draft)]) draft.start = [...names.values()][0]!;
  return [{ ...drawing, draft }, [...names.values()]];
}

/** The steps of a JSON pointer. */
export function steps(pointer: string): string[] {
  if (!pointer.startsWith("/")) return [];
  return pointer.slice(1).split("/").map((step) => step.replace(/~1/g, "/").replace(/~0/g, "~"));
}

/** The document with this word at the place a pointer names; unchanged where there is no such place. */
export function setAt(value: Json, path: readonly string[], word: string): Json {
  const [first, ...rest] = path;
  if (first === undefined) return word;
  if (Array.isArray(value)) return value.map((item, n) => (String(n) === first ? setAt(item, rest, word) : item));
  if (!isMembers(value) || !(first in value)) return value;
  return { ...value, [first]: setAt(value[first]!, rest, word) };
}

/** The edge of a way out that is called something else now, if it is plain which one that is. */
export function followWays(drawing: Drawing, id: string, before: readonly string[], now: readonly string[]): Drawing {
  const node = nodesOf(drawing.draft)[id];
  const gone = before.filter((way) => !now.includes(way));
  const fresh = now.filter((way) => !before.includes(way));
  if (!node || !isMembers(node.next) || gone.length !== 1 || fresh.length !== 1 || !(gone[0]! in node.next)) return drawing;
  const next = Object.fromEntries(Object.entries(node.next).map(([way, to]) => [way === gone[0] ? fresh[0]! : way, to]));
  return setNode(drawing, id, { ...node, next });
}

/** A word or three of the settings, for the box. */
export function inShort(node: NodeJson): string {
  const { type: _type, title: _title, next: _next, ...settings } = node;
  return Object.values(settings).map(short).filter(Boolean).slice(0, 3).join(" · ");
}

function short(value: Json): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map((item) => (isMembers(item) && typeof item.name === "string" ? item.name : isMembers(item) ? "" : short(item))).filter(Boolean).join(", ");
  if (!isMembers(value)) return "";
  if (typeof value.field === "string" && "op" in value) return [value.field, value.op, value.value, value.within].filter((part) => part !== undefined).map(String).join(" ");
  for (const key of ["all", "any"]) {
    const parts = value[key];
    if (Array.isArray(parts)) return parts.length === 1 ? short(parts[0]!) : `${short(parts[0] ?? "")} …`;
  }
  return Object.entries(value).map(([key, inner]) => (typeof inner === "number" ? `${key} ${inner}` : short(inner))).filter(Boolean).join(" ");
}
