import { useCallback, useReducer } from "react";
import type { Drawing } from "./model";

/** The drawing with all that was done to it, so that each change can be taken back. */

interface Past {
  before: Drawing[];
  now: Drawing;
  after: Drawing[];
  /** What the last change was about: typing on in one field is one change, and so is what follows from it ("+"). */
  about: string;
}

type Action =
  | { kind: "change"; change: (drawing: Drawing) => Drawing; about: string }
  | { kind: "undo" }
  | { kind: "redo" }
  | { kind: "open"; drawing: Drawing };

/** Changes that can be taken back: more than anybody draws in a day. They share what they have in common. */
const MOST = 5000;

function reduce(past: Past, action: Action): Past {
  switch (action.kind) {
    case "open":
      return { before: [], now: action.drawing, after: [], about: "" };
    case "undo": {
      const last = past.before.at(-1);
      return last ? { before: past.before.slice(0, -1), now: last, after: [past.now, ...past.after], about: "" } : past;
    }
    case "redo": {
      const [next, ...rest] = past.after;
      return next ? { before: [...past.before, past.now], now: next, after: rest, about: "" } : past;
    }
    case "change": {
      const now = action.change(past.now);
      if (now === past.now) return past;
      const follows = action.about === "+";
      const goesOn = follows || (action.about !== "" && action.about === past.about);
      const before = goesOn ? past.before : [...past.before, past.now].slice(-MOST);
      return { before, now, after: [], about: follows ? past.about : action.about };
    }
  }
}

export interface Drawn {
  drawing: Drawing;
  change: (change: (drawing: Drawing) => Drawing, about?: string) => void;
  undo: () => void;
  redo: () => void;
  open: (drawing: Drawing) => void;
  canUndo: boolean;
  canRedo: boolean;
}

export function useDrawing(first: Drawing): Drawn {
  const [past, act] = useReducer(reduce, { before: [], now: first, after: [], about: "" });
  return {
    drawing: past.now,
    change: useCallback((change, about = "") => act({ kind: "change", change, about }), []),
    undo: useCallback(() => act({ kind: "undo" }), []),
    redo: useCallback(() => act({ kind: "redo" }), []),
    open: useCallback((drawing) => act({ kind: "open", drawing }), []),
    canUndo: past.before.length > 0,
    canRedo: past.after.length > 0,
  };
}
