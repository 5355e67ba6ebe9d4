import { useCallback, useEffect, useRef, useState } from "react";
import type { Refused } from "../api";
import type { PanelProps } from "../panels";
import { useWords } from "../words";
import { RunForm } from "./RunForm";
import { ended, follow, runs, type Offered, type Run, type Values } from "./runs";
import { COUNTS, SAY, type Said } from "./words";

/** Letting leads in: a form, a dry run whose table is read first, the run itself, and how it goes until it has ended. */

export function RunsPanel({ name, campaign, titleOf }: PanelProps) {
  const words = useWords();
  const say = (word: Said) => words.in(SAY[word]);
  const [offered, setOffered] = useState<Offered | null>(null);
  const [kind, setKind] = useState("run-campaign");
  const [values, setValues] = useState<Record<string, Values>>({});
  /** What is looked at: the dry run of these very values, or the run itself. */
  const [run, setRun] = useState<Run | null>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const click = useRef("");

  const failed = useCallback((error: Refused) => setTrouble(error.message || words.say("unreachable")), [words]);
  const load = useCallback(() => void runs.offered(name).then(setOffered, failed), [name, failed]);
  useEffect(load, [load]);

  const going = run && !ended(run) ? run : null;
  useEffect(() => {
    if (!going) return;
    return follow(name, going, (now) => { setTrouble(""); setRun(now); if (ended(now) && !now.dry_run) load(); }, (error) => { failed(error); if (error.status === 404) setRun(null); });
    // eslint-disable-next-line -- each answer asks for the next one by itself
  }, [name, going?.id, going?.where, load, failed]);

  if (!offered) return <p className={trouble ? "problem error" : "note"}>{trouble || words.say("loading")}</p>;
  const schema = offered.forms[kind];
  const there = offered.elsewhere;
  const looked = run !== null && run.dry_run && run.state === "done" && run.kind === kind;
  const start = (dry_run: boolean) => {
    setBusy(true);
    setTrouble("");
    // A click that got no answer may have begun: it goes again under its own name.
    click.current ||= crypto.randomUUID();
    runs.start(name, kind, values[kind] ?? {}, { dry_run, where: there.answers && !dry_run ? "elsewhere" : "here", click: click.current })
      .then((begun) => { click.current = ""; setRun(begun); }, (error: Refused) => { if (error.status) click.current = ""; failed(error); if (error.status === 503) load(); })
      .finally(() => setBusy(false));
  };
  const change = (now: Values) => {
    setValues({ ...values, [kind]: now });
    if (run && ended(run)) setRun(null);
  };
  return (
    <div className="runs">
      {!there.answers && <p className="problem warning" role="status">{say("silent")} <code>{there.remedy}</code>. {say("silent_what")}</p>}
      {campaign.dirty && <p className="problem warning">{say("save_first")}</p>}
      <div className="tabs" role="tablist">
        {Object.keys(offered.forms).map((each) => (
          <button key={each} type="button" role="tab" aria-selected={kind === each} disabled={going !== null} onClick={() => { setKind(each); setRun(null); setTrouble(""); }}>{each in SAY ? say(each as Said) : each}</button>
        ))}
      </div>
      {schema && <RunForm key={kind} schema={schema} offers={offered.offers} values={values[kind] ?? {}} disabled={busy || going !== null} onChange={change} onTrouble={setTrouble} />}
      <p className="note">{say("dry_what")}</p>
      <div className="row actions">
        <button type="button" className={looked ? "" : "primary"} disabled={busy || going !== null} onClick={() => start(true)}>{say("dry_run")}</button>
        {looked && <button type="button" className="primary" disabled={busy} onClick={() => start(false)}>{there.answers ? `${say("do_there")} ${there.name}` : say("do_here")}</button>}
      </div>
      {trouble && <p className="problem error" role="alert">{trouble}</p>}
      {run && <Told run={run} there={there.name} titleOf={titleOf} />}
      {offered.runs.length > 0 && (
        <>
          <h3>{say("latest")}</h3>
          <ul className="past">{offered.runs.map((past) => <li key={`${past.where} ${past.id}`}><Line run={past} there={there.name} /></li>)}</ul>
        </>
      )}
    </div>
  );
}

/** What one run came to so far. */
function Told({ run, there, titleOf }: { run: Run; there: string; titleOf: (node: string) => string }) {
  const words = useWords();
  return (
    <section className="told" aria-busy={!ended(run)}>
      <div role="status"><Line run={run} there={there} /></div>
      {!ended(run) && (run.share === null ? <progress aria-label={words.in(SAY.working)} /> : <progress aria-label={words.in(SAY.working)} value={run.share} />)}
      {run.message && <p className={run.state === "failed" ? "problem error" : "note"} role={run.state === "failed" ? "alert" : undefined}>{run.message}</p>}
      {run.state === "done" && (
        <table className="counts">
          <caption>{words.in(run.dry_run ? SAY.would : SAY.did)}</caption>
          <tbody>
            {run.counts.map(([what, number]) => <tr key={what}><th scope="row">{said(what, words.in.bind(words), titleOf)}</th><td className="n">{words.number(number)}</td></tr>)}
            {!run.counts.length && <tr><td>{words.in(SAY.nothing)}</td></tr>}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Line({ run, there }: { run: Run; there: string }) {
  const words = useWords();
  return (
    <>
      <span className={`state ${run.state === "done" ? "running" : run.state === "failed" ? "failed" : ""}`}>{words.in(SAY[run.state])}</span>{" "}
      {run.dry_run ? words.in(SAY.dry_run) : run.kind in SAY ? words.in(SAY[run.kind as Said]) : run.kind} <small>{words.time(run.began)}</small>
      {run.url && <a className="elsewhere" href={run.url} target="_blank" rel="noreferrer">{words.in(SAY.open_run)} {there} ↗</a>}
    </>
  );
}

/** `not_enrolled: no basis` in words; names of nodes as the canvas has them. */
function said(what: string, inWords: (text: { en: string; zh: string }) => string, titleOf: (node: string) => string): string {
  const [first = "", ...rest] = what.split(": ");
  const behind = first === "placed" ? rest.map(titleOf) : rest;
  return [COUNTS[first] ? inWords(COUNTS[first]) : first, ...behind].join(": ");
}
