import { useCallback, useEffect, useRef, useState } from "react";
import { api, Refused, type Checked, type Clash, type NodeType, type Opened, type Status } from "./api";
import { followWays, nodesOf, waysOf, type Drawing, type Members } from "./model";
import { useDrawing, type Drawn } from "./useDrawing";

/** One campaign that is open: its drawing, what is wrong with it, saving it, and the numbers of those who walk it. */

const TYPING = 250;

export interface Campaign extends Drawn {
  /** What kept it from being opened; "" while all is well. */
  trouble: string;
  /** Problems of a file that cannot be drawn; it has no drawing then. */
  unreadable: Checked["problems"] | null;
  ready: boolean;
  checked: Checked;
  ways: (id: string) => string[];
  dirty: boolean;
  saving: boolean;
  clash: Clash | null;
  refused: string;
  status: Status | null;
  save: () => void;
  takeTheirs: () => void;
  overwrite: () => void;
  forgetClash: () => void;
}

export function fresh(name: string): Members {
  return { $schema: "schema.json", campaign: name, exit_on: ["unsubscribed", "bounced", "complained", "converted"], start: "", nodes: {} };
}

const NOTHING: Drawing = { draft: {}, boxes: {} };

export function useCampaign(name: string, isNew: boolean, types: readonly NodeType[]): Campaign {
  const drawn = useDrawing(NOTHING);
  const { drawing, change, open } = drawn;
  const [saved, setSaved] = useState<Drawing | null>(null);
  const [etag, setEtag] = useState<string | null>(null);
  const [checked, setChecked] = useState<Checked>({ problems: [], ways: {} });
  const [unreadable, setUnreadable] = useState<Checked["problems"] | null>(null);
  const [trouble, setTrouble] = useState("");
  const [ready, setReady] = useState(false);
  const [saving, setSaving] = useState(false);
  const [clash, setClash] = useState<Clash | null>(null);
  const [refused, setRefused] = useState("");
  const [status, setStatus] = useState<Status | null>(null);
  const lastWays = useRef<Record<string, string[]>>({});
  /** The draft that `checked` is about, and the one that is on the screen now. */
  const about = useRef<Members | null>(null);
  const current = useRef(drawing.draft);
  current.current = drawing.draft;

  const told = useCallback(
    (now: Checked, draft: Members) => {
      about.current = draft;
      setChecked(now);
      for (const [id, ways] of Object.entries(now.ways)) {
        if (!ways) continue;
        const before = lastWays.current[id];
        if (before) change((drawing) => followWays(drawing, id, before, ways), "+");
        lastWays.current[id] = ways;
      }
    },
    [change],
  );

  const show = useCallback(
    (opened: Opened) => {
      const drawing = { draft: opened.draft ?? {}, boxes: opened.boxes };
      lastWays.current = {};
      open(drawing);
      setSaved(drawing);
      setEtag(opened.etag);
      setUnreadable(opened.draft ? null : opened.problems);
      told(opened, drawing.draft);
      setReady(true);
    },
    [open, told],
  );

  useEffect(() => {
    if (isNew) {
      open({ draft: fresh(name), boxes: {} });
      setReady(true);
      return;
    }
    api.open(name).then(show, (error: Refused) => setTrouble(error.status === 0 ? "unreachable" : error.message));
  }, [name, isNew, open, show]);

  // The draft is checked as it is drawn; a newer one makes the answer to the older one worthless.
  const { draft } = drawing;
  useEffect(() => {
    if (!ready || about.current === draft) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      api.check(draft, stop.signal).then(
        (now) => {
          if (!stop.signal.aborted) {
            told(now, draft);
            setRefused("");
          }
        },
        (error: Refused) => !stop.signal.aborted && setRefused(error.status === 0 ? "unreachable" : error.message),
      );
    }, TYPING);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [draft, ready, told]);

  const store = useCallback(
    (seen: string | null) => {
      setSaving(true);
      setRefused("");
      api
        .save(name, drawing.draft, drawing.boxes, seen)
        .then(
          (opened) => {
            setSaved(drawing);
            setEtag(opened.etag);
            setClash(null);
            // Whoever goes on drawing meanwhile has problems of a newer draft.
            if (current.current === drawing.draft) told(opened, drawing.draft);
            if (window.location.hash === "#new") history.replaceState(null, "", window.location.pathname);
          },
          (error: Refused) => (error.clash ? setClash(error.clash) : setRefused(error.status === 0 ? "unreachable" : error.message)),
        )
        .finally(() => setSaving(false));
    },
    [name, drawing, told],
  );

  // A page that nobody looks at watches nothing.
  const published = ready && (!isNew || etag !== null);
  useEffect(() => {
    if (!published) return;
    let stop = () => {};
    const look = () => {
      stop();
      stop = document.visibilityState === "visible" ? api.live(name, setStatus) : () => {};
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      stop();
    };
  }, [name, published]);

  const ways = useCallback(
    (id: string): string[] => {
      const node = nodesOf(draft)[id];
      if (!node) return [];
      const type = types.find((each) => each.type === node.type);
      if (type && !type.varies) return type.outcomes;
      return waysOf(node, checked.ways[id], lastWays.current[id]);
    },
    [draft, types, checked],
  );

  return {
    ...drawn,
    trouble,
    unreadable,
    ready,
    checked,
    ways,
    dirty: ready && saved !== drawing,
    saving,
    clash,
    refused,
    status,
    save: () => store(etag),
    takeTheirs: () => {
      if (clash?.theirs) show(clash.theirs);
      setClash(null);
    },
    overwrite: () => {
      store(clash?.theirs?.etag ?? null);
      setClash(null);
    },
    forgetClash: () => setClash(null),
  };
}
