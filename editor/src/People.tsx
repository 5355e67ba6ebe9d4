import { useEffect, useState } from "react";
import { api, Refused, type History, type Standing } from "./api";
import { useWords } from "./words";

/** Who stands at a node, and the story of one of them. */

export function People({ campaign, node, titles }: { campaign: string; node: string; titles: (node: string) => string }) {
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

  if (lead) return <Story lead={lead} campaign={campaign} titles={titles} onBack={() => setLead(null)} />;
  if (trouble) return <p className="problem error">{trouble}</p>;
  if (!leads) return <p className="note">{say("loading")}</p>;
  if (!leads.length) return <p className="note">{say("no_leads")}</p>;
  return (
    <>
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

function Story({ lead, campaign, titles, onBack }: { lead: string; campaign: string; titles: (node: string) => string; onBack: () => void }) {
  const words = useWords();
  const { say } = words;
  const [told, setTold] = useState<History | null>(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    api.history(lead).then(setTold, (error: Refused) => setTrouble(error.message || say("unreachable")));
  }, [lead, say]);

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
      <dl>{facts.map(([key, value]) => <div key={key}><dt>{key}</dt><dd>{String(value)}</dd></div>)}</dl>
      {told.enrollments.filter((one) => one.campaign === campaign).map((one, n) => (
        <p key={n} className="now">
          {one.node ? <>{say("now_at")} <b>{titles(one.node)}</b>{one.due_at && <> {say("until")} {words.time(one.due_at)}</>}</> : <>{say("ended")}: <b>{one.reason}</b> {words.time(one.ended_at)}</>}
          {one.because && <small>{one.because}</small>}
        </p>
      ))}
      <ol className="moments">
        {moments(told, words.outcome, titles).map((moment, n) => (
          <li key={n} className={moment.ours ? "" : "theirs"}>
            <span className="icon" aria-hidden>{moment.icon}</span>
            <div><b>{moment.what}</b> <small>{words.time(moment.at)}</small>{moment.because && <small>{moment.because}</small>}</div>
          </li>
        ))}
      </ol>
    </div>
  );
}

function moments(told: History, outcome: (word: string) => string, titles: (node: string) => string): Moment[] {
  const found: Moment[] = [
    ...told.enrollments.flatMap((one) =>
      one.steps.map((step) => ({ at: step.at, icon: "●", what: `${titles(step.node)}${step.outcome ? ` → ${outcome(step.outcome)}` : ""}`, because: step.because, ours: true })),
    ),
    ...told.touches.map((touch) => ({ at: touch.settled_at ?? touch.asked_at, icon: "✉", what: `${touch.channel}: ${touch.content} (${outcome(touch.state)})`, because: touch.because ?? "", ours: true })),
    ...told.signals.map((signal) => ({ at: signal.at, icon: "★", what: outcome(signal.kind), because: signal.reason ?? "", ours: false })),
  ];
  return found.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
