import {
  Background, BackgroundVariant, BaseEdge, EdgeLabelRenderer, getBezierPath, Handle, MarkerType, MiniMap, Panel, Position,
  ReactFlow, useReactFlow, type Connection, type Edge, type EdgeProps, type Node, type NodeChange, type NodeProps, type ReactFlowProps,
} from "@xyflow/react";
import { createContext, memo, useCallback, useContext, useMemo, useRef, useState, type MouseEvent } from "react";
import type { Counts, Kind } from "./api";
import { HEIGHT, snap, widthOf } from "./layout";
import { END, type Box } from "./model";
import type { Mark } from "./panels";
import { useWords } from "./words";

export interface Shown {
  id: string;
  title: string;
  type: string;
  detail: string;
  kind: Kind;
  start: boolean;
  place: Box;
  ways: [string, string][];
  /** By way out: the points by which its edge passes other boxes. */
  routes: Record<string, Box[]>;
  errors: number;
  warnings: number;
  counts: Counts | null;
  /** Of those that are here. */
  stuck: number;
  mark: Mark | null;
  /** By way out. */
  marks: Record<string, Mark | null> | null;
}

/** A place on the screen, for menus. */
export interface Spot {
  x: number;
  y: number;
}

interface Doings {
  onInsert: (id: string, way: string, spot: Spot) => void;
  onLeads: (id: string) => void;
}

interface Props extends Doings {
  nodes: Shown[];
  selected: ReadonlySet<string>;
  dark: boolean;
  onSelect: (ids: ReadonlySet<string>) => void;
  onMove: (moved: Record<string, Box>) => void;
  onConnect: (id: string, way: string, target: string) => void;
  onDrop: (type: string, place: Box) => void;
}

type BoxNode = Node<{ shown: Shown }, "box">;
type WayEdge = Edge<{ way: string; share: number; mark: Mark | null; route: Box[] }, "way">;

const DoingsContext = createContext<Doings>({ onInsert: () => {}, onLeads: () => {} });
export const DRAGGED = "application/x-nurture-type";

export function Canvas({ nodes, selected, dark, onSelect, onMove, onConnect, onDrop, onInsert, onLeads }: Props) {
  const { say } = useWords();
  const flow = useReactFlow();
  const frame = useRef<HTMLDivElement>(null);
  const [moving, setMoving] = useState<Record<string, Box>>({});
  const places = useMemo(() => new Map(nodes.map((node) => [node.id, node.place])), [nodes]);

  /** A box that is as it was stays the same object: React Flow looks at those that changed, not at all of them. */
  const drawn = useRef(new Map<string, BoxNode>());
  const boxes = useMemo<BoxNode[]>(
    () =>
      nodes.map((shown) => {
        const width = widthOf(shown.ways.length);
        const [x, y] = moving[shown.id] ?? shown.place;
        const before = drawn.current.get(shown.id);
        if (before && before.data.shown === shown && before.position.x === x && before.position.y === y && before.selected === selected.has(shown.id)) return before;
        const column = width / Math.max(1, shown.ways.length);
        const box: BoxNode = {
          id: shown.id,
          type: "box",
          position: { x, y },
          data: { shown },
          selected: selected.has(shown.id),
          width,
          height: HEIGHT,
          measured: { width, height: HEIGHT },
          ariaLabel: `${shown.title}, ${shown.type}`,
          // Where handles are is known without measuring: edges stand at once, also those to boxes out of sight.
          handles: [
            { id: "in", type: "target", position: Position.Top, x: width / 2 - 5, y: -5, width: 10, height: 10 },
            ...shown.ways.map(([way], n) => ({
              id: way, type: "source" as const, position: Position.Bottom, x: column * (n + 0.5) - 6, y: HEIGHT - 6, width: 12, height: 12,
            })),
          ],
        };
        drawn.current.set(shown.id, box);
        return box;
      }),
    [nodes, moving, selected],
  );

  const edges = useMemo<WayEdge[]>(() => {
    const known = new Set(nodes.map((node) => node.id));
    const most = Math.max(1, ...nodes.flatMap((node) => Object.values(node.counts?.outcomes ?? {})));
    return nodes.flatMap((node) =>
      node.ways
        .filter(([, target]) => known.has(target))
        .map(([way, target]): WayEdge => ({
          id: `${node.id}|${way}`,
          type: "way",
          source: node.id,
          sourceHandle: way,
          target,
          targetHandle: "in",
          data: { way, share: (node.counts?.outcomes[way] ?? 0) / most, mark: node.marks?.[way] ?? null, route: node.routes[way] ?? [] },
          markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, markerUnits: "userSpaceOnUse", color: "var(--edge)" },
          focusable: false,
        })),
    );
  }, [nodes]);

  const onChanges = useCallback(
    (changes: NodeChange<BoxNode>[]) => {
      const chosen = changes.filter((change) => change.type === "select");
      if (chosen.length) {
        const now = new Set(selected);
        for (const change of chosen) (change.selected ? now.add(change.id) : now.delete(change.id));
        onSelect(now);
      }
      const moved: Record<string, Box> = {};
      let ended = false;
      for (const change of changes) {
        if (change.type !== "position" || !change.position) continue;
        moved[change.id] = [snap(change.position.x), snap(change.position.y)];
        ended ||= !change.dragging;
      }
      if (!Object.keys(moved).length) return;
      if (!ended) {
        setMoving((before) => ({ ...before, ...moved }));
        return;
      }
      setMoving({});
      const really = Object.entries(moved).filter(([id, [x, y]]) => places.get(id)?.[0] !== x || places.get(id)?.[1] !== y);
      if (really.length) onMove(Object.fromEntries(really));
    },
    [selected, onSelect, onMove, places],
  );

  /** All of it where it can be read; else its start, at the top. */
  const begin = () => {
    const { width, height } = frame.current!.getBoundingClientRect();
    const bounds = flow.getNodesBounds(boxes);
    const first = nodes.find((node) => node.start);
    if (!first || Math.min(width / bounds.width, height / bounds.height) > 0.65) {
      void flow.fitView({ maxZoom: 1, padding: 0.12 });
      return;
    }
    const [x, y] = first.place;
    const seen = flow.getNodesBounds(boxes.filter(({ position }) => position.y < y + height / 0.7));
    const fits = (width - 40) / seen.width;
    const zoom = fits >= 0.65 ? Math.min(0.85, fits) : 0.7;
    const middle = fits >= 0.65 ? seen.x + seen.width / 2 : x + widthOf(first.ways.length) / 2;
    void flow.setViewport({ zoom, x: width / 2 - middle * zoom, y: 36 - y * zoom });
  };

  /** What React Flow calls. It tells all its boxes whenever one of these is another function, so they stay the same. */
  const latest = useRef({ onSelect, onConnect, onDrop, onInsert });
  latest.current = { onSelect, onConnect, onDrop, onInsert };
  const calls = useMemo<ReactFlowProps<BoxNode, WayEdge>>(() => {
    const connected = ({ source, sourceHandle, target }: Connection) => {
      if (sourceHandle) latest.current.onConnect(source, sourceHandle, target);
    };
    return {
      onConnect: connected,
      onReconnect: (edge, connection) => {
        if (connection.source === edge.source && connection.sourceHandle === edge.sourceHandle) connected(connection);
      },
      isValidConnection: (connection) => connection.source !== connection.target,
      onConnectEnd: (event, state) => {
        if (state.isValid || state.toNode || !state.fromNode || !state.fromHandle?.id || state.fromHandle.type !== "source") return;
        const point = "changedTouches" in event ? event.changedTouches[0] : event;
        if (point) latest.current.onInsert(state.fromNode.id, state.fromHandle.id, { x: point.clientX, y: point.clientY });
      },
      onPaneClick: () => latest.current.onSelect(new Set()),
      onDragOver: (event) => {
        if (!event.dataTransfer.types.includes(DRAGGED)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      },
      onDrop: (event) => {
        const type = event.dataTransfer.getData(DRAGGED);
        if (!type) return;
        event.preventDefault();
        const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
        latest.current.onDrop(type, [snap(x - widthOf(1) / 2), snap(y - HEIGHT / 2)]);
      },
      deleteKeyCode: null,
      selectionKeyCode: "Shift",
      multiSelectionKeyCode: ["Meta", "Control"],
    };
  }, [flow]);

  return (
    <DoingsContext.Provider value={useMemo(() => ({ onInsert, onLeads }), [onInsert, onLeads])}>
      <ReactFlow<BoxNode, WayEdge>
        ref={frame}
        nodes={boxes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        colorMode={dark ? "dark" : "light"}
        onNodesChange={onChanges}
        {...calls}
        onlyRenderVisibleElements={nodes.length > 150}
        connectionRadius={32}
        minZoom={0.05}
        maxZoom={1.6}
        onInit={() => begin()}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1} />
        <MiniMap pannable zoomable style={MINI} nodeColor={colour} ariaLabel={say("campaign")} />
        <Panel position="bottom-left" className="zoom">
          <button type="button" onClick={() => void flow.zoomIn()} aria-label={say("zoom_in")} title={say("zoom_in")}>＋</button>
          <button type="button" onClick={() => void flow.zoomOut()} aria-label={say("zoom_out")} title={say("zoom_out")}>－</button>
          <button type="button" onClick={() => void flow.fitView({ padding: 0.1, maxZoom: 1 })} aria-label={say("fit")} title={say("fit")}>⤢</button>
        </Panel>
      </ReactFlow>
    </DoingsContext.Provider>
  );
}

const BoxView = memo(function BoxView({ data, selected }: NodeProps<BoxNode>) {
  const { shown } = data;
  const words = useWords();
  const { onLeads } = useContext(DoingsContext);
  const here = shown.counts?.here ?? 0;
  const left = Object.values(shown.counts?.outcomes ?? {}).reduce((sum, count) => sum + count, 0);
  const share = (count: number) => `${Math.round((100 * count) / left)} %`;
  return (
    <div className={`box ${shown.kind}${selected ? " selected" : ""}${shown.mark ? ` mark-${shown.mark}` : ""}`}>
      <Handle type="target" id="in" position={Position.Top} />
      <div className="box-head">
        {shown.start && <span className="flag" title={words.say("start")}>▶</span>}
        <span className="box-title" title={shown.title}>{shown.title}</span>
        {here > 0 && (
          <button
            type="button"
            className="here nodrag"
            onClick={() => onLeads(shown.id)}
            title={`${words.say("leads_here")} · ${words.number(shown.counts!.entered)} ${words.say("entered")}`}
          >
            {words.number(here)}
          </button>
        )}
        {shown.stuck > 0 && <button type="button" className="here stuck nodrag" onClick={() => onLeads(shown.id)} title={words.say("stuck")}>{words.number(shown.stuck)} {words.say("stuck")}</button>}
        {shown.errors > 0 && <span className="badge error" title={words.say("errors")}>{shown.errors}</span>}
        {shown.errors === 0 && shown.warnings > 0 && <span className="badge warning" title={words.say("warnings")}>!</span>}
      </div>
      <div className="box-detail" title={shown.detail}>
        <b>{shown.type}</b>
        {shown.detail && ` · ${shown.detail}`}
      </div>
      <div className="ways">
        {shown.ways.map(([way, target]) => {
          const count = shown.counts?.outcomes[way];
          return (
            <span key={way} className={`way${target ? "" : " open"}`} title={`${words.outcome(way)}${target === END ? ` → ${words.say("end")}` : ""}`}>
              <span className="way-name">{words.outcome(way)}</span>
              {count !== undefined && count > 0 && <span className="way-count" title={share(count)}>{words.number(count)}{shown.ways.length === 2 && <i> {share(count)}</i>}</span>}
              {target === END && <span className="stop" aria-label={words.say("end")}>■</span>}
              <Handle type="source" id={way} position={Position.Bottom} />
            </span>
          );
        })}
      </div>
    </div>
  );
});

function WayView({ id, source, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data, markerEnd, selected }: EdgeProps<WayEdge>) {
  const { say } = useWords();
  const { onInsert } = useContext(DoingsContext);
  const route = data?.route ?? [];
  const [path, x, y] = targetY > sourceY
    ? winding([[sourceX, sourceY], ...route, [targetX, targetY]])
    : getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, curvature: 0.35 });
  const insert = (event: MouseEvent) => onInsert(source, data!.way, { x: event.clientX, y: event.clientY });
  return (
    <>
      <BaseEdge id={id} path={path} className={data?.mark ? `mark-${data.mark}` : ""} {...(markerEnd ? { markerEnd } : {})} style={{ strokeWidth: 1.5 + 4 * (data?.share ?? 0) + (selected ? 1 : 0) }} interactionWidth={18} />
      <EdgeLabelRenderer>
        <button
          type="button"
          className="insert nodrag nopan"
          tabIndex={-1}
          style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
          onClick={insert}
          aria-label={`${say("insert")}: ${source} → ${data!.way}`}
          title={say("insert")}
        >
          ＋
        </button>
      </EdgeLabelRenderer>
    </>
  );
}

/** A curve through these points, straight down at each of them, and a place for the button on it. */
function winding(points: Box[]): [string, number, number] {
  const [[firstX, firstY], ...others] = points as [Box, ...Box[]];
  let [x, y] = [firstX, firstY];
  let path = `M${x},${y}`;
  for (const [toX, toY] of others) {
    const bend = (toY - y) / 2;
    path += ` C${x},${y + bend} ${toX},${toY - bend} ${toX},${toY}`;
    [x, y] = [toX, toY];
  }
  const [[nextX, nextY] = [x, y]] = others;
  return [path, (firstX + nextX) / 2, (firstY + nextY) / 2];
}

const colour = (node: Node) => `var(--${(node as BoxNode).data.shown.kind})`;
/** Small enough to leave the canvas to the campaign. */
const MINI = { width: 132, height: 100 };
const NODE_TYPES = { box: BoxView };
const EDGE_TYPES = { way: memo(WayView) };
