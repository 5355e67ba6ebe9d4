import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { api, type NodeType, type Problem, type Refused, type Types } from "./api";
import { Canvas, DRAGGED, type Shown, type Spot } from "./Canvas";
import { ConditionsContext } from "./ConditionForm";
import { AddMenu, ConflictDialog, HelpDialog, SearchBox } from "./dialogs";
import { FormContext } from "./fields";
import { CampaignForm, NodeForm } from "./Inspector";
import { HEIGHT, laidOut, widthOf } from "./layout";
import {
  addNode, connect, copied, END, inShort, nodesOf, pasted, removeNodes, renameNode, setAt, startOf, steps, targets,
  type Box, type Members, type NodeJson,
} from "./model";
import { PANELS, type Overlay } from "./panels";
import { People } from "./People";
import { useCampaign } from "./useCampaign";
import { useKeys, useClipboard } from "./useKeys";
import { glide, middle, neighbour, nodeAt, placed } from "./walking";
import { useWords } from "./words";

interface Props {
  name: string;
  isNew: boolean;
  types: Types;
  dark: boolean;
  controls: ReactNode;
  onLeave: () => void;
  onUnsaved: (unsaved: boolean) => void;
}

export function Editor(props: Props) {
  return (
    <ReactFlowProvider>
      <Open {...props} />
    </ReactFlowProvider>
  );
}

interface Adding {
  spot: Spot;
  from: { id: string; way: string } | null;
}

const NOBODY: ReadonlySet<string> = new Set();

function Open({ name, isNew, types, dark, controls, onLeave, onUnsaved }: Props) {
  const words = useWords();
  const { say } = words;
  const flow = useReactFlow();
  const campaign = useCampaign(name, isNew, types.types);
  const { drawing, change, checked, ways, status } = campaign;
  const [selected, setSelected] = useState<ReadonlySet<string>>(NOBODY);
  const [tab, setTab] = useState<"settings" | "leads">("settings");
  const [sheet, setSheet] = useState(false);
  const [adding, setAdding] = useState<Adding | null>(null);
  const [open, setOpen] = useState<"help" | "search" | "problems" | null>(null);
  const [focus, setFocus] = useState<string | null>(null);
  const [note, setNote] = useState("");
  const [beside, setBeside] = useState<string | null>(null);
  const [overlay, setOverlay] = useState<Overlay | null>(null);
  const panel = useRef<HTMLElement>(null);

  const nodes = nodesOf(drawing.draft);
  const typeOf = useMemo(() => new Map(types.types.map((type) => [type.type, type])), [types]);
  const naming = useCallback(
    (type: string) => (typeOf.get(type)?.fields ?? []).filter((field) => field.kind === "node").map((field) => field.name),
    [typeOf],
  );
  const titleOf = useMemo(() => words.calling(nodesOf(drawing.draft)), [drawing.draft, words]);

  const wired = Object.entries(nodes).map(([id, node]) => ({ id, ways: [...targets(node, ways(id))] }));
  const shape = JSON.stringify(wired);
  const auto = useMemo(() => laidOut(JSON.parse(shape) as typeof wired), [shape]);

  const problemsAt = useMemo(() => {
    const found = new Map<string, { errors: number; warnings: number }>();
    for (const problem of checked.problems) {
      const id = nodeAt(problem);
      if (!id) continue;
      const of = found.get(id) ?? { errors: 0, warnings: 0 };
      of[problem.severity === "error" ? "errors" : "warnings"] += 1;
      found.set(id, of);
    }
    return found;
  }, [checked]);

  const stuckAt = useMemo(() => {
    const found = new Map<string, number>();
    for (const { node, leads } of status?.causes ?? []) found.set(node, (found.get(node) ?? 0) + leads);
    return found;
  }, [status]);

  const shown = useMemo<Shown[]>(
    () =>
      (JSON.parse(shape) as typeof wired).map(({ id, ways }) => {
        const node = nodesOf(drawing.draft)[id]!;
        const type = typeOf.get(node.type);
        return {
          id,
          title: words.title(node.title, id),
          type: type ? words.in(type.title) : node.type,
          detail: inShort(node),
          kind: checked.ways[id]?.length === 0 ? "end" : (type?.kind ?? "change"),
          start: startOf(drawing.draft) === id,
          place: drawing.boxes[id] ?? auto.places.get(id) ?? [0, 0],
          ways,
          // A box that was moved is met by the straightest way.
          routes: Object.fromEntries(ways.map(([way, target]) => [way, drawing.boxes[id] || drawing.boxes[target] ? [] : (auto.routes.get(`${id}|${way}`) ?? [])])),
          errors: problemsAt.get(id)?.errors ?? 0,
          warnings: problemsAt.get(id)?.warnings ?? 0,
          counts: (overlay?.counts ?? status?.nodes)?.[id] ?? null,
          stuck: overlay?.counts ? 0 : (stuckAt.get(id) ?? 0),
          mark: overlay?.nodes?.[id] ?? null,
          marks: overlay?.ways ? Object.fromEntries(ways.map(([way]) => [way, overlay.ways?.[`${id}|${way}`] ?? null])) : null,
        };
      }),
    [shape, drawing, auto, checked, problemsAt, status, stuckAt, overlay, typeOf, words],
  );

  const chosen = [...selected].filter((id) => nodes[id]);
  const one = chosen.length === 1 ? chosen[0]! : null;

  const select = useCallback((ids: ReadonlySet<string>) => {
    setSelected(ids);
    if (ids.size !== 1) setTab("settings");
    if (ids.size === 0) setSheet(false);
  }, []);

  const reveal = useCallback(
    (id: string, settings = true) => {
      setSelected(new Set([id]));
      if (settings) setTab("settings");
      // A new box has its place only when it has been drawn.
      requestAnimationFrame(() => requestAnimationFrame(() => {
        const node = flow.getNode(id);
        if (!node) return;
        const beside = window.innerWidth < 900 ? 120 / flow.getZoom() : 0;
        void flow.setCenter(node.position.x + widthOf(0) / 2, node.position.y + HEIGHT / 2 + beside, { zoom: Math.max(0.7, flow.getZoom()), duration: glide() });
      }));
    },
    [flow],
  );

  const add = (type: NodeType, from: Adding["from"], box?: Box) => {
    const node: NodeJson = { type: type.type };
    const follows = from ? targets(nodes[from.id]!, ways(from.id)).get(from.way) : "";
    const ends = !type.varies && type.outcomes.length === 0;
    if (follows && !ends) node.next = follows;
    const [added, id] = addNode(drawing, node, type.type, box);
    change(() => (from ? connect(added, from.id, ways(from.id), from.way, id) : added));
    reveal(id);
  };

  const showNode = useCallback((id: string) => reveal(id, false), [reveal]);

  /** From the palette: behind what is selected if it has a way out that leads nowhere yet. */
  const addNext = (type: NodeType) => {
    const open = one ? [...targets(nodes[one]!, ways(one))].find(([, target]) => !target) : undefined;
    add(type, one && open ? { id: one, way: open[0] } : null);
  };

  const remove = () => {
    if (!chosen.length) return;
    change((before) => removeNodes(before, new Set(chosen)));
    select(NOBODY);
  };

  const rename = (to: string) => {
    if (!one || nodes[to]) return;
    change((before) => renameNode(before, one, to, naming));
    setSelected(new Set([to]));
  };

  const paste = (text: string) => {
    const found = pasted(drawing, text, naming);
    if (!found) return say("paste_no");
    change(() => found[0]);
    setSelected(new Set(found[1]));
    requestAnimationFrame(() => requestAnimationFrame(() => void flow.fitView({ nodes: found[1].map((id) => ({ id })), maxZoom: 1, duration: glide() })));
    return "";
  };

  const goTo = (problem: Problem) => {
    const id = nodeAt(problem);
    if (id && nodes[id]) reveal(id);
    else setSelected(NOBODY);
    setSheet(true);
    setOpen(null);
    setFocus(problem.where ?? "");
  };

  useEffect(() => {
    if (focus === null) return;
    const timer = setTimeout(() => {
      setFocus(null);
      const places = [...(panel.current?.querySelectorAll<HTMLElement>("[data-where]") ?? [])];
      const near = places
        .filter((place) => focus === place.dataset.where || focus.startsWith(`${place.dataset.where}/`))
        .sort((a, b) => b.dataset.where!.length - a.dataset.where!.length)[0];
      (near ?? panel.current?.querySelector<HTMLElement>("input, select, button"))?.focus();
    }, 60);
    return () => clearTimeout(timer);
  }, [focus]);

  useEffect(() => {
    if (!note) return;
    const timer = setTimeout(() => setNote(""), 3000);
    return () => clearTimeout(timer);
  }, [note]);

  useEffect(() => {
    onUnsaved(campaign.dirty);
    if (!campaign.dirty) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => {
      window.removeEventListener("beforeunload", ask);
      onUnsaved(false);
    };
  }, [campaign.dirty, onUnsaved]);

  useKeys({
    undo: campaign.undo,
    redo: campaign.redo,
    save: campaign.save,
    search: () => setOpen("search"),
    help: () => setOpen("help"),
    fit: () => void flow.fitView({ padding: 0.1, maxZoom: 1 }),
    remove,
    add: () => setAdding({ spot: middle(), from: null }),
    form: () => (setSheet(true), setFocus(one ? `/nodes/${one}` : "")),
    escape: () => select(NOBODY),
    all: () => setSelected(new Set(Object.keys(nodes))),
    walk: (direction) => {
      const next = neighbour(drawing, ways, one ?? startOf(drawing.draft), direction);
      if (next && nodes[next]) reveal(next, false);
    },
  });
  useClipboard({ copy: () => copied(drawing, chosen), cut: remove, paste: (text) => setNote(paste(text)) });

  const nodesToName = useMemo(() => Object.entries(nodesOf(drawing.draft)).map(([id, node]) => ({ id, title: words.title(node.title, id) })), [drawing.draft, words]);
  const around = useMemo(
    () => ({
      problems: checked.problems,
      nodes: nodesToName,
      onUse: (where: string, word: string) =>
        change((before) => ({ ...before, draft: setAt(before.draft, steps(where), word) as Members })),
    }),
    [checked, nodesToName, change],
  );

  if (campaign.trouble || campaign.unreadable) {
    return (
      <main className="page">
        <p><button type="button" className="quiet" onClick={onLeave}>← {say("campaigns")}</button></p>
        <h1>{name}</h1>
        {campaign.trouble && <p className="problem error">{campaign.trouble === "unreachable" ? say("unreachable") : campaign.trouble}</p>}
        {campaign.unreadable && <p>{say("not_json")}</p>}
        {campaign.unreadable?.map((problem, n) => <p key={n} className="problem error"><code>{problem.where}</code> {words.problem(problem).what} <span className="hint">{words.problem(problem).hint}</span></p>)}
      </main>
    );
  }
  if (!campaign.ready) return <main className="page note">{say("loading")}</main>;

  const Beside = PANELS.find((kind) => kind.id === beside);
  const toggle = (id: string) => {
    setBeside(beside === id ? null : id);
    setOverlay(null);
    setSheet(beside !== id);
  };
  const errors = checked.problems.filter((problem) => problem.severity === "error").length;
  const warnings = checked.problems.length - errors;

  return (
    <ConditionsContext.Provider value={types.conditions}>
      <FormContext.Provider value={around}>
        <div className={`editor${sheet || one ? " with-sheet" : ""}`}>
          <header className="bar">
            <button type="button" className="quiet" onClick={onLeave} aria-label={say("campaigns")} title={say("campaigns")}>←</button>
            <h1 title={name}>{words.title(drawing.draft.title, name)}</h1>
            {status && (
              <button
                type="button" className={`state ${status.paused ? "paused" : "running"}`} title={say(status.paused ? "resume" : "pause")}
                onClick={() => void api.pause(name, !status.paused).catch((error: Refused) => setNote(error.message || say("unreachable")))}
              >
                {say(status.paused ? "paused" : "running")} {status.paused ? "▶" : "‖"}
              </button>
            )}
            <span className="save-state" role="status">{campaign.saving ? say("saving") : campaign.dirty ? say("unsaved") : errors ? say("saved_with") : say("saved")}</span>
            <span className="tools">
              <button type="button" onClick={campaign.undo} disabled={!campaign.canUndo} aria-label={say("undo")} title={`${say("undo")} (Ctrl Z)`}>↶</button>
              <button type="button" onClick={campaign.redo} disabled={!campaign.canRedo} aria-label={say("redo")} title={`${say("redo")} (Ctrl Shift Z)`}>↷</button>
              <button type="button" onClick={() => setOpen("search")} aria-label={say("search")} title={`${say("search")} (Ctrl F)`}>⌕</button>
              <button type="button" onClick={() => change((before) => ({ ...before, boxes: {} }))} disabled={!Object.keys(drawing.boxes).length} aria-label={say("tidy")} title={say("tidy")}>▦</button>
              <button type="button" className="narrow" onClick={() => (select(NOBODY), setSheet(true))} aria-label={say("settings")} title={say("settings")}>⚙</button>
              <button type="button" onClick={() => setOpen("help")} aria-label={say("help")} title={`${say("help")} (?)`}>?</button>
              {PANELS.map((kind) => <button key={kind.id} type="button" aria-pressed={beside === kind.id} onClick={() => toggle(kind.id)}>{words.in(kind.title)}</button>)}
              {controls}
            </span>
            <button type="button" className={`count${errors ? " error" : warnings ? " warning" : ""}`} onClick={() => setOpen(open === "problems" ? null : "problems")} aria-expanded={open === "problems"}>
              {checked.problems.length ? `${say("problems")}: ${checked.problems.length}` : say("no_problems")}
            </button>
            <button type="button" className="primary" onClick={campaign.save} disabled={!campaign.dirty || campaign.saving} title="Ctrl S">{say("save")}</button>
          </header>
          {(campaign.refused || note) && <p className="toast" role="alert">{campaign.refused === "unreachable" ? say("unreachable") : campaign.refused || note}</p>}
          <aside className="palette" aria-label={say("palette")}>
            <h2>{say("palette")}</h2>
            {types.types.map((type) => (
              <button
                key={type.type} type="button" draggable className={`tile ${type.kind}`} title={words.in(type.doc)} onClick={() => addNext(type)}
                onDragStart={(event) => { event.dataTransfer.setData(DRAGGED, type.type); event.dataTransfer.effectAllowed = "copy"; }}
              >
                <b>{words.in(type.title)}</b>
                <small>{words.in(type.doc)}</small>
              </button>
            ))}
          </aside>
          <div className="canvas">
            {shown.length === 0 && <p className="empty note">{say("add_first")}</p>}
            <Canvas
              nodes={shown} selected={selected} dark={dark} onSelect={select}
              onMove={(moved) => change((before) => ({ ...before, boxes: { ...before.boxes, ...moved } }))}
              onConnect={(id, way, target) => change((before) => connect(before, id, ways(id), way, target))}
              onDrop={(type, box) => { const found = typeOf.get(type); if (found) add(found, null, box); }}
              onInsert={(id, way, spot) => setAdding({ spot, from: { id, way } })}
              onLeads={(id) => { setSelected(new Set([id])); setTab("leads"); }}
            />
            <button type="button" className="add primary narrow" onClick={() => setAdding({ spot: middle(), from: null })} aria-label={say("key_add")}>＋</button>
            {open === "search" && <SearchBox nodes={shown.map((node) => ({ id: node.id, title: node.title, text: `${node.id} ${node.title} ${node.type} ${node.detail}` }))} onFind={reveal} onClose={() => setOpen(null)} />}
            {open === "problems" && (
              <ul className="problem-list" aria-label={say("problems")}>
                {checked.problems.map((problem, n) => (
                  <li key={n}>
                    <button type="button" className={`problem ${problem.severity}`} onClick={() => goTo(problem)}>
                      <code>{problem.file || placed(problem)}</code> {words.problem(problem).what} <span className="hint">{words.problem(problem).hint}</span>
                    </button>
                  </li>
                ))}
                {!checked.problems.length && <li className="note">{say("no_problems")}</li>}
              </ul>
            )}
          </div>
          <aside className="panel" ref={panel} aria-label={say("settings")}>
            {!Beside && <button type="button" className="quiet narrow close" onClick={() => select(NOBODY)} aria-label={say("close")}>×</button>}
            {Beside && (
              <>
                <h2 className="panel-title">{words.in(Beside.title)} <button type="button" className="quiet" onClick={() => toggle(Beside.id)} aria-label={say("close")}>×</button></h2>
                <Beside.View name={name} campaign={campaign} types={types} titleOf={titleOf} reveal={showNode} onOverlay={setOverlay} />
              </>
            )}
            {!Beside && one && status && (
              <div className="tabs" role="tablist">
                {(["settings", "leads"] as const).map((each) => (
                  <button key={each} type="button" role="tab" aria-selected={tab === each} onClick={() => setTab(each)}>
                    {each === "settings" ? say("settings") : `${say("leads_here")} ${words.number(status.nodes[one]?.here ?? 0)}`}
                  </button>
                ))}
              </div>
            )}
            {Beside ? null : one && tab === "leads" && status ? (
              <People campaign={name} node={one} titles={titleOf} causes={status.causes.filter((each) => each.node === one)} onNote={setNote} />
            ) : one ? (
              <NodeForm
                key={one} id={one} drawing={drawing} type={typeOf.get(nodes[one]!.type)} types={types.types} ways={ways(one)} ended={checked.ways[one]?.length === 0} onChange={change}
                onRename={rename} onNew={(way, type) => add(type, { id: one, way })} onDelete={remove}
                onCopy={() => void navigator.clipboard.writeText(copied(drawing, chosen))}
              />
            ) : chosen.length > 1 ? (
              <>
                <p className="type-line"><b>{words.many(chosen.length, "nodes")}</b></p>
                <div className="row actions">
                  <button type="button" onClick={() => void navigator.clipboard.writeText(copied(drawing, chosen))}>{say("copy")}</button>
                  <button type="button" className="danger" onClick={remove}>{say("delete")}</button>
                </div>
              </>
            ) : (
              <CampaignForm drawing={drawing} signals={types.signals} onChange={change} />
            )}
          </aside>
          {adding && (
            <AddMenu
              spot={adding.spot} types={types.types}
              onChoose={(type) => { add(type, adding.from); setAdding(null); }}
              onEnd={adding.from ? () => { const { id, way } = adding.from!; change((before) => connect(before, id, ways(id), way, END)); setAdding(null); } : null}
              onClose={() => setAdding(null)}
            />
          )}
          {open === "help" && <HelpDialog onClose={() => setOpen(null)} />}
          {campaign.clash && <ConflictDialog clash={campaign.clash} onTheirs={campaign.takeTheirs} onMine={campaign.overwrite} onClose={campaign.forgetClash} />}
        </div>
      </FormContext.Provider>
    </ConditionsContext.Provider>
  );
}
