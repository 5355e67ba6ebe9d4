import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import type { Clash, NodeType } from "./api";
import type { Spot } from "./Canvas";
import { useWords, type Word } from "./words";

/** What opens above the canvas. */

export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (!element.current?.open) element.current?.showModal();
  }, []);
  return (
    <dialog ref={element} onClose={onClose} aria-label={title} onClick={(event) => event.target === element.current && onClose()}>
      <div className="dialog">
        <h2>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

export function ConflictDialog({ clash, onTheirs, onMine, onClose }: { clash: Clash; onTheirs: () => void; onMine: () => void; onClose: () => void }) {
  const { say } = useWords();
  const gone = clash.theirs === null;
  return (
    <Dialog title={say("conflict")} onClose={onClose}>
      {gone ? <p>{say("conflict_gone")}</p> : clash.diff.length ? (
        <>
          <p>{say("conflict_what")}</p>
          <pre className="diff">
            {clash.diff.map((line, n) => <span key={n} className={line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : line.startsWith("@") ? "at" : ""}>{line || " "}{"\n"}</span>)}
          </pre>
        </>
      ) : <p>{say("conflict_boxes")}</p>}
      <div className="row actions">
        <button type="button" onClick={onClose}>{say("cancel")}</button>
        {!gone && clash.theirs?.draft && <button type="button" onClick={onTheirs}>{say("take_theirs")}</button>}
        <button type="button" className="danger" onClick={onMine}>{say("take_mine")}</button>
      </div>
    </Dialog>
  );
}

const KEYS: [string, Word][] = [
  ["Ctrl S", "key_save"], ["Ctrl Z / Ctrl Shift Z", "undo"], ["Ctrl C / X / V", "key_copy"], ["Ctrl A", "key_all"], ["Delete", "key_delete"], ["Ctrl F  /", "search"],
  ["A", "key_add"], ["Enter", "key_enter"], ["Enter …", "key_form"], ["Alt ← → ↑ ↓", "key_walk"], ["← → ↑ ↓", "key_move"], ["F", "fit"], ["Esc", "key_esc"], ["?", "help"],
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const { say } = useWords();
  return (
    <Dialog title={say("help")} onClose={onClose}>
      <table className="keys"><tbody>{KEYS.map(([keys, word]) => <tr key={keys}><td><kbd>{keys}</kbd></td><td>{say(word)}</td></tr>)}</tbody></table>
      <div className="row actions"><button type="button" onClick={onClose}>{say("close")}</button></div>
    </Dialog>
  );
}

/** The node types at a place of the screen; `onEnd` where the way out may end the campaign. */
export function AddMenu({ spot, types, onChoose, onEnd, onClose }: { spot: Spot; types: readonly NodeType[]; onChoose: (type: NodeType) => void; onEnd: (() => void) | null; onClose: () => void }) {
  const words = useWords();
  const element = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState(spot);
  useLayoutEffect(() => {
    const size = element.current!.getBoundingClientRect();
    setPlace({ x: Math.max(8, Math.min(spot.x, window.innerWidth - size.width - 8)), y: Math.max(8, Math.min(spot.y, window.innerHeight - size.height - 8)) });
    element.current?.querySelector("button")?.focus();
  }, [spot]);
  const walk = (by: number) => {
    const buttons = [...element.current!.querySelectorAll("button")];
    buttons[(buttons.indexOf(document.activeElement as HTMLButtonElement) + by + buttons.length) % buttons.length]?.focus();
  };
  return (
    <>
      <div className="shade" onClick={onClose} />
      <div
        ref={element} className="menu" role="menu" aria-label={words.say("new_node")} style={{ left: place.x, top: place.y }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape") onClose();
          if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); walk(event.key === "ArrowDown" ? 1 : -1); }
        }}
      >
        {types.map((type) => (
          <button type="button" role="menuitem" key={type.type} className={type.kind} onClick={() => onChoose(type)} title={words.in(type.doc)}>{words.in(type.title)}</button>
        ))}
        {onEnd && <button type="button" role="menuitem" className="end" onClick={onEnd}>■ {words.say("end_here")}</button>}
      </div>
    </>
  );
}

export interface Findable {
  id: string;
  title: string;
  text: string;
}

/** Whoever types a whole id means that node. */
function near(node: Findable, wanted: string): number {
  return node.id === wanted || node.title.toLowerCase() === wanted ? 0 : node.id.startsWith(wanted) ? 1 : 2;
}

export function SearchBox({ nodes, onFind, onClose }: { nodes: readonly Findable[]; onFind: (id: string) => void; onClose: () => void }) {
  const { say } = useWords();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const wanted = typed.trim().toLowerCase();
  const found = wanted ? nodes.filter((node) => node.text.toLowerCase().includes(wanted)).sort((a, b) => near(a, wanted) - near(b, wanted)).slice(0, 12) : [];
  const choose = (id: string | undefined) => {
    if (!id) return;
    onFind(id);
    onClose();
  };
  return (
    <div className="search" role="search">
      <input
        autoFocus value={typed} placeholder={say("search")} aria-label={say("search")}
        onChange={(event) => { setTyped(event.target.value); setAt(0); }}
        onBlur={(event) => { if (!event.relatedTarget) onClose(); }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape") onClose();
          if (event.key === "Enter") choose(found[at]?.id);
          if (event.key === "ArrowDown") setAt((n) => Math.min(n + 1, found.length - 1));
          if (event.key === "ArrowUp") setAt((n) => Math.max(n - 1, 0));
        }}
      />
      {wanted && (
        <ul>
          {found.map((node, n) => <li key={node.id}><button type="button" className={n === at ? "at" : ""} onClick={() => choose(node.id)}>{node.title} <code>{node.id}</code></button></li>)}
          {!found.length && <li className="note">{say("nothing_found")}</li>}
        </ul>
      )}
    </div>
  );
}
