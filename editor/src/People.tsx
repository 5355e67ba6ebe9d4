import { useEffect, useState, type FormEvent } from "react";
import { api, Refused, type History, type Standing, type Status } from "./api";
import { Dialog } from "./dialogs";
import { useWords, type Words } from "./words";

/** Who stands at a node, and the story of one of them. */

interface PeopleProps {
  campaign: string;
  node: string;
  titles: (node: string) => string;
  /** Why leads are stuck here. */
  causes: Status["causes"];
  onNote: (note: string) => void;
}

export function People({ campaign, node, titles, causes, onNote }: PeopleProps) {
  const words = useWords();
  const { say } = words;
  const [leads, setLeads] = useState<Standing[] | null>(null);
  const [after, setAfter] = useState<number | null>(null);
  const [lead, setLead] = useState<string | null>(null);
  const [trouble, setTrouble] = useState("");

  const load = (from: number) =>
    api.leads(campaign, node, from).then(
      (found) => {
        setLeads((before) => (from ? [...(before ?? []), ...found.leads] : found.leads));
        setAfter(found.after);
      },
      (error: Refused) => setTrouble(error.message || say("unreachable")),
    );

  useEffect(() => {
    setLead(null);
    setLeads(null);
    setTrouble("");
    void load(0);
    // eslint-disable-next-line -- the node is what is asked about
  }, [campaign, node]);

  const retry = (of: { node?: string; lead?: string }) =>
    void api.retry(campaign, of).then(
      ({ retried }) => onNote(`${words.number(retried)} ${say("retried")}`),
      (error: Refused) => onNote(error.message || say("unreachable")),
    );

  const back = () => {
    setLead(null);
    void load(0);
  };
  if (lead) return <Story lead={lead} campaign={campaign} titles={titles} onBack={back} onRetry={() => retry({ lead })} onNote={onNote} />;
  if (trouble) return <p className="problem error">{trouble}</p>;
  if (!leads) return <p className="note">{say("loading")}</p>;
  if (!leads.length) return <p className="note">{say("no_leads")}</p>;
  return (
    <>
      {causes.map(({ cause, leads }) => (
        <p key={cause} className="problem error">{words.number(leads)} {say("stuck")}: {cause} <button type="button" className="fix" onClick={() => retry({ node })}>{say("retry")}</button></p>
      ))}
      <ul className="people">
        {leads.map((each, n) => (
          <li key={n}>
            <button type="button" disabled={!each.lead} onClick={() => setLead(each.lead)}>
              <b>{each.name ?? each.lead}</b> {each.company}
              {each.status === "stuck" && <span className="badge error">{say("stuck")}</span>}
              <small>{each.name ? each.lead : ""} {say("since")} {words.time(each.since)}</small>
              <small>{each.because}</small>
            </button>
          </li>
        ))}
      </ul>
      {after !== null && <button type="button" onClick={() => void load(after)}>{say("more")}</button>}
    </>
  );
}

interface Moment {
  at: string;
  icon: string;
  what: string;
  because: string;
  ours: boolean;
}

interface StoryProps {
  lead: string;
  campaign: string;
  titles: (node: string) => string;
  onBack: () => void;
  onRetry: () => void;
  onNote: (note: string) => void;
}

function Story({ lead, campaign, titles, onBack, onRetry, onNote }: StoryProps) {
  const words = useWords();
  const { say } = words;
  const [told, setTold] = useState<History | null>(null);
  const [trouble, setTrouble] = useState("");
  const [leaving, setLeaving] = useState(false);
  const load = () => void api.history(lead).then(setTold, (error: Refused) => setTrouble(error.message || say("unreachable")));
  // eslint-disable-next-line -- the lead is what is asked about
  useEffect(load, [lead]);
  const takenOut = () => {
    setLeaving(false);
    onNote(`${lead}: ${say("taken_out")}`);
    load();
  };

  const back = <button type="button" className="quiet" onClick={onBack}>← {say("back")}</button>;
  if (!told) return <>{back}<p className={trouble ? "problem error" : "note"}>{trouble || say("loading")}</p></>;
  const person = told.lead;
  const facts = Object.entries(person.fields).filter(([, value]) => value !== null && value !== "").slice(0, 8);
  return (
    <div className="story">
      {back}
      <h3>{String(person.fields.name ?? person.email ?? lead)}</h3>
      <p className="note">{[person.email, `${say("score")} ${person.score}`, person.owner].filter(Boolean).join(" · ")}</p>
      {person.tags.length > 0 && <p>{person.tags.map((tag) => <span key={tag} className="chip">{tag}</span>)}</p>}
      <dl>{facts.map(([key, value]) => <div key={key}><dt>{words.fact(key)}</dt><dd>{String(value)}</dd></div>)}</dl>
      {told.enrollments.filter((one) => one.campaign === campaign).map((one, n) => (
        <p key={n} className="now">
          {one.node ? <>{say("now_at")} <b>{titles(one.node)}</b>{one.due_at && <> {say("until")} {words.time(one.due_at)}</>}</> : <>{say("ended")}: <b>{words.ending(one.reason ?? "")}</b> {words.time(one.ended_at)}</>}
          {one.status === "stuck" && <button type="button" className="fix" onClick={onRetry}>{say("retry")}</button>}
          {one.node && <button type="button" className="fix" onClick={() => setLeaving(true)}>{say("take_out")}</button>}
          {one.because && <small>{one.because}</small>}
        </p>
      ))}
      <ol className="moments">
        {moments(told, words, titles).map((moment, n) => (
          <li key={n} className={moment.ours ? "" : "theirs"}>
            <span className="icon" aria-hidden>{moment.icon}</span>
            <div><b>{moment.what}</b> <small>{words.time(moment.at)}</small>{moment.because && <small>{moment.because}</small>}</div>
          </li>
        ))}
      </ol>
      {leaving && <TakeOut campaign={campaign} lead={lead} onDone={takenOut} onClose={() => setLeaving(false)} />}
    </div>
  );
}

function TakeOut({ campaign, lead, onDone, onClose }: { campaign: string; lead: string; onDone: () => void; onClose: () => void }) {
  const { say } = useWords();
  const [reason, setReason] = useState("");
  const [trouble, setTrouble] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    api.remove(campaign, lead, reason).then(onDone, (error: Refused) => setTrouble(error.message || say("unreachable")));
  };
  return (
    <Dialog title={`${say("take_out")}: ${lead}`} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{say("take_out_what")}</p>
        <div className="field">
          <label htmlFor="why-out">{say("reason")}</label>
          <textarea id="why-out" autoFocus required maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
        </div>
        {trouble && <p className="problem error" role="alert">{trouble}</p>}
        <div className="row actions">
          <button type="button" onClick={onClose}>{say("cancel")}</button>
          <button type="submit" className="danger" disabled={!reason.trim()}>{say("take_out")}</button>
        </div>
      </form>
    </Dialog>
  );
}

function moments(told: History, words: Words, titles: (node: string) => string): Moment[] {
  const { outcome } = words;
  const found: Moment[] = [
    ...told.enrollments.flatMap((one) =>
      one.steps.map((step) => ({ at: step.at, icon: "●", what: `${titles(step.node)}${step.outcome ? ` → ${outcome(step.outcome)}` : ""}`, because: step.because, ours: true })),
    ),
    ...told.touches.map((touch) => ({ at: touch.settled_at ?? touch.asked_at, icon: "✉", what: `${touch.channel}: ${touch.content} (${outcome(touch.state)})`, because: touch.because ?? "", ours: true })),
    ...told.signals.map((signal) => ({ at: signal.at, icon: "★", what: outcome(signal.kind), because: [signal.reason, words.who(signal)].filter(Boolean).join(", "), ours: false })),
  ];
  return found.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
