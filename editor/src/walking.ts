import type { Problem } from "./api";
import type { Spot } from "./Canvas";
import { nodesOf, steps, targets, type Drawing } from "./model";

/** From one place of a campaign to the next: by problems, by the keyboard, on the screen. */

export function nodeAt(problem: Problem): string | null {
  const [first, id] = steps(problem.where ?? "");
  return first === "nodes" && id !== undefined ? id : null;
}

/** Where a problem is, for people: `viewed · next · no`, or what it would be in the file where that is not in a node. */
export function placed(problem: Problem): string {
  const [, ...inside] = steps(problem.where ?? "");
  return nodeAt(problem) === null ? problem.where || "/" : inside.join(" · ");
}

/** Milliseconds; none for those who asked their system for less motion. */
export function glide(): number {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 200;
}

export function middle(): Spot {
  return { x: window.innerWidth / 2 - 80, y: window.innerHeight / 4 };
}

/** Along the edges: down to what follows, up to what came before, sideways among what follows the same node. */
export function neighbour(drawing: Drawing, ways: (id: string) => string[], id: string, direction: "up" | "down" | "left" | "right"): string | undefined {
  const nodes = nodesOf(drawing.draft);
  const after = (of: string) => (nodes[of] ? [...new Set(targets(nodes[of], ways(of)).values())].filter((to) => nodes[to]) : []);
  if (direction === "down") return after(id)[0];
  const before = Object.keys(nodes).find((each) => each !== id && after(each).includes(id));
  if (direction === "up" || !before) return direction === "up" ? before : undefined;
  const siblings = after(before);
  return siblings[(siblings.indexOf(id) + (direction === "right" ? 1 : siblings.length - 1)) % siblings.length];
}
