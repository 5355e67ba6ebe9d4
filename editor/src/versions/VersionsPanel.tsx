import { useCallback, useEffect, useMemo, useState } from "react";
import { ask, Refused, sending } from "../api";
import { nodesOf } from "../model";
import type { Mark, Overlay, PanelProps } from "../panels";
import { useWords } from "../words";
import { SAY } from "./words";

/** Which versions there are, how the saved drawing differs from them, and publishing it while leads are inside. */

interface Version {
  version: number;
  hash: string;
  published_at: string;
  current: boolean;
  inside: number;
  entered: number;
}

interface Move {
  to: number | null;
  running: "move" | "exit";
  at: string;
  finished_at: string | null;
  moved: number;
  removed: number;
  kept: Record<string, number>;
}

interface Difference {
  etag?: string;
  before: number;
  after: number | null;
  changes: unknown[];
  contents: string[];
  words: { en: string[]; zh: string[] };
  marks: Record<string, Mark | "rewired">;
  edges: string[];
  nodes: string[];
  waiting: Record<string, number>;
}

interface Done {
  version: number;
  new: boolean;
  before: Record<string, number>;
  moved: number;
  removed: number;
  later: number;
  kept: Record<string, number>;
}

type Choice = "keep" | "move" | "exit";

export function VersionsPanel({ name, campaign, titleOf, onOverlay }: PanelProps) {
  const words = useWords();
  const say = (word: keyof typeof SAY) => words.in(SAY[word]);
  const [listed, setListed] = useState<{ versions: Version[]; moves: Move[] } | null>(null);
  /** The version that is looked at beside the file; null: the current one. */
  const [chosen, setChosen] = useState<number | null>(null);
  const [difference, setDifference] = useState<Difference | null>(null);
  const [trouble, setTrouble] = useState("");
  const [done, setDone] = useState<Done | null>(null);
  const path = `/campaigns/${encodeURIComponent(name)}`;

  const load = useCallback(() => {
    setTrouble("");
    const failed = (error: Refused) => setTrouble(error.message || words.say("unreachable"));
    ask<{ versions: Version[]; moves: Move[] }>(`${path}/versions`).then((found) => {
      setListed(found);
      if (!found.versions.length) return setDifference(null);
      const before = chosen === null ? "" : `?before=${chosen}`;
      ask<Difference>(`${path}/difference${before}`).then(setDifference, failed);
    }, failed);
  }, [path, chosen, words]);
  useEffect(load, [load, campaign.dirty]);

  const overlay = useMemo<Overlay | null>(() => {
    if (!difference) return null;
    const nodes = Object.fromEntries(Object.entries(difference.marks).map(([node, mark]) => [node, mark === "rewired" ? "changed" : mark] as [string, Mark]));
    return { nodes, ways: Object.fromEntries(difference.edges.map((way) => [way, "changed" as Mark])) };
  }, [difference]);
  useEffect(() => {
    onOverlay(overlay);
    return () => onOverlay(null);
  }, [overlay, onOverlay]);

  const errors = campaign.checked.problems.filter((problem) => problem.severity === "error").length;
  const hindrance = campaign.dirty ? say("save_first") : errors ? say("mend_first") : "";
  const finish = (promise: Promise<Done>) =>
    promise.then((told) => { setDone(told); setChosen(null); load(); }, (error: Refused) => setTrouble(error.message || words.say("unreachable")));

  if (!listed) return <p className={trouble ? "problem error" : "note"}>{trouble || words.say("loading")}</p>;
  const lines = difference?.words[words.language] ?? [];
  const never = listed.versions.length === 0;
  return (
    <div className="versions">
      {trouble && <p className="problem error" role="alert">{trouble}</p>}
      {done && <p className="now" role="status">{report(done, say, words.number)}</p>}
      <h3>{never ? say("never") : chosen === null ? say("since_current") : `${say("since")} ${chosen}`}</h3>
      {!never && difference && (lines.length
        ? <ul className="changes">{lines.map((line, n) => <li key={n}>{line}</li>)}</ul>
        : <p className="note">{say("same")}</p>)}
      <Publishing key={`${difference?.etag}:${chosen}`} difference={difference} never={never} hindrance={hindrance} chosen={chosen} titleOf={(id) => (nodesOf(campaign.drawing.draft)[id] ? titleOf(id) : id)}
        onPublish={(running, map) => {
          if (chosen !== null) return finish(ask<Done>(`${path}/rollback`, sending("POST", { version: chosen, running, map })));
          // Never published: nobody is inside, and what stands in the file is what is meant.
          const etag = difference?.etag ? Promise.resolve(difference.etag) : ask<{ etag: string }>(path).then((opened) => opened.etag);
          return finish(etag.then((seen) => ask<Done>(`${path}/publish`, sending("POST", { etag: seen, running, map }))));
        }} />
      {!never && (
        <>
          <p><a className="report" href={`/report/${encodeURIComponent(name)}?lang=${words.language}`} target="_blank" rel="noreferrer">{say("report")} ↗</a></p>
          <h3>{say("history")}</h3>
          <ul className="people">
            {listed.versions.map((one) => (
              <li key={one.version}>
                <button type="button" aria-pressed={chosen === one.version} onClick={() => setChosen(chosen === one.version || one.current ? null : one.version)}>
                  <b>{say("version")} {one.version}</b> {one.current && <span className="state running">{say("current")}</span>}
                  <small>{words.time(one.published_at)} · <code>{one.hash.slice(0, 12)}</code></small>
                  <small>{words.number(one.inside)} {words.say("inside")} · {words.number(one.entered)} {words.say("entered")}</small>
                </button>
              </li>
            ))}
          </ul>
          {listed.moves.map((move, n) => (
            <p key={n} className="note">{words.time(move.at)}: {report({ ...move, version: move.to ?? 0, new: true, before: {}, later: move.finished_at ? 0 : 1 }, say, words.number)}</p>
          ))}
        </>
      )}
    </div>
  );
}

interface PublishingProps {
  difference: Difference | null;
  never: boolean;
  hindrance: string;
  chosen: number | null;
  titleOf: (node: string) => string;
  onPublish: (running: Choice, map: Record<string, string>) => Promise<void>;
}

/** What becomes of the leads inside is asked here, with how many they are and where they stand. */
function Publishing({ difference, never, hindrance, chosen, titleOf, onPublish }: PublishingProps) {
  const words = useWords();
  const say = (word: keyof typeof SAY) => words.in(SAY[word]);
  const [running, setRunning] = useState<Choice>("keep");
  const [map, setMap] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const waiting = Object.entries(difference?.waiting ?? {});
  const inside = waiting.reduce((sum, [, number]) => sum + number, 0);
  // The nodes of the version that leads would run: an older one has those that are gone since, so its map is by name alone.
  const targets = chosen === null ? (difference?.nodes ?? []) : [...new Set([...(difference?.nodes ?? []), ...Object.keys(difference?.marks ?? {})])];
  const lost = running === "move" ? waiting.filter(([node]) => !targets.includes(map[node] ?? node) && map[node] !== "end").map(([node]) => node) : [];
  const nothing = chosen === null && !never && difference !== null && !difference.changes.length && !difference.contents.length && !inside;
  const go = () => {
    setBusy(true);
    void onPublish(running, running === "move" ? map : {}).finally(() => setBusy(false));
  };
  return (
    <>
      {inside > 0 && (
        <fieldset>
          <legend>{words.number(inside)} {say("what_of_them")}</legend>
          {(["keep", "move", "exit"] as const).map((choice) => (
            <label key={choice} className="choice"><input type="radio" name="running" checked={running === choice} onChange={() => setRunning(choice)} /> <span>{say(choice)}<small>{say(`${choice}_what`)}</small></span></label>
          ))}
          {running === "move" && waiting.map(([node, number]) => (
            <div key={node} className="field">
              <label htmlFor={`to-${node}`}>{titleOf(node)} · {words.number(number)}</label>
              <select id={`to-${node}`} value={map[node] ?? (targets.includes(node) ? node : "")} aria-invalid={lost.includes(node)} onChange={(event) => setMap({ ...map, [node]: event.target.value })}>
                {!targets.includes(node) && <option value="">{say("choose")}</option>}
                {targets.map((target) => <option key={target} value={target}>{titleOf(target)}</option>)}
                <option value="end">{say("out")}</option>
              </select>
            </div>
          ))}
        </fieldset>
      )}
      {hindrance && chosen === null && <p className="problem warning">{hindrance}</p>}
      <div className="row actions">
        <button type="button" className={running === "exit" ? "danger" : "primary"} disabled={busy || lost.length > 0 || nothing || (chosen === null && hindrance !== "")} onClick={go}>
          {chosen === null ? say("publish") : `${say("roll_back")} ${chosen}`}
        </button>
      </div>
    </>
  );
}

function report(done: Done, say: (word: keyof typeof SAY) => string, number: (n: number) => string): string {
  const kept = Object.values(done.kept).reduce((sum, n) => sum + n, 0);
  const before = Object.values(done.before).reduce((sum, n) => sum + n, 0);
  const rest = Math.max(0, before - done.moved - done.removed - kept - done.later);
  const parts = [`${say("version")} ${done.version}`];
  if (done.moved) parts.push(`${number(done.moved)} ${say("moved")}`);
  if (done.removed) parts.push(`${number(done.removed)} ${say("removed")}`);
  if (rest) parts.push(`${number(rest)} ${say("stay")}`);
  if (done.later) parts.push(say("later"));
  for (const [why, n] of Object.entries(done.kept)) parts.push(`${number(n)} ${say("stay")}: ${why}`);
  return parts.join(" · ");
}
