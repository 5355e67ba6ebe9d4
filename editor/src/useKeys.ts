import { useEffect, useRef } from "react";

/** The keyboard. What is typed into a form stays there, except for what works everywhere: save, find. */

export interface Keys {
  undo: () => void;
  redo: () => void;
  save: () => void;
  search: () => void;
  help: () => void;
  fit: () => void;
  remove: () => void;
  add: () => void;
  form: () => void;
  escape: () => void;
  all: () => void;
  walk: (direction: "up" | "down" | "left" | "right") => void;
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches("input, textarea, select") || target.closest("dialog, .menu") !== null);
}

const WALK = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" } as const;

export function useKeys(keys: Keys): void {
  const now = useRef(keys);
  now.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const does = doing(event, now.current);
      if (!does) return;
      event.preventDefault();
      does();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

function doing(event: KeyboardEvent, keys: Keys): (() => void) | undefined {
  const { key } = event;
  const letter = key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (letter === "s") return keys.save;
    if (letter === "f") return keys.search;
    if (typing(event.target)) return undefined;
    if (letter === "z") return event.shiftKey ? keys.redo : keys.undo;
    if (letter === "y") return keys.redo;
    if (letter === "a") return keys.all;
    return undefined;
  }
  if (key === "Escape" && !(event.target instanceof HTMLElement && event.target.closest("dialog, .menu"))) return keys.escape;
  if (typing(event.target)) return undefined;
  if (event.altKey) return key in WALK ? () => keys.walk(WALK[key as keyof typeof WALK]) : undefined;
  if (key === "Delete" || key === "Backspace") return keys.remove;
  if (key === "/") return keys.search;
  if (key === "?") return keys.help;
  if (letter === "f") return keys.fit;
  if (letter === "a") return keys.add;
  if (key === "Enter" && !(event.target instanceof HTMLElement && event.target.matches("button, a"))) return keys.form;
  return undefined;
}

interface Clipboard {
  copy: () => string;
  cut: () => void;
  paste: (text: string) => void;
}

/** Nodes as JSON, by the browser's own copy and paste: no permission is needed, and any text editor takes part. */
export function useClipboard(clipboard: Clipboard): void {
  const now = useRef(clipboard);
  now.current = clipboard;
  useEffect(() => {
    const ours = (event: ClipboardEvent) => !typing(event.target) && !window.getSelection()?.toString();
    const copy = (event: ClipboardEvent) => {
      const text = now.current.copy();
      if (!ours(event) || text === '{\n  "nodes": {}\n}') return;
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
      if (event.type === "cut") now.current.cut();
    };
    const paste = (event: ClipboardEvent) => {
      if (!ours(event)) return;
      event.preventDefault();
      now.current.paste(event.clipboardData?.getData("text/plain") ?? "");
    };
    document.addEventListener("copy", copy);
    document.addEventListener("cut", copy);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("copy", copy);
      document.removeEventListener("cut", copy);
      document.removeEventListener("paste", paste);
    };
  }, []);
}
