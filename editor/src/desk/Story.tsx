import { useEffect, useState } from "react";
import { api, type History, type Refused } from "../api";
import { useWords, type Words } from "../words";
import { SAY } from "./words";

/** The whole story of a lead, the latest first: what we did, what it did, what people said. */

interface Told extends History {
  handoffs: { campaign: string; to: string; team: string | null; opened_at: string; state: string; answered_at: string | null; reason: string | null }[];
  remarks: { at: string; who: string; what: string; text: string }[];
}

interface Moment {
  at: string;
  icon: string;
  what: string;
  because: string;
  whose: "" | "theirs" | "people";
}

export function Story({ lead, onUntag }: { lead: string; onUntag: (tag: string) => void }) {
  const words = useWords();
  const [told, setTold] = useState<Told | null>(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    api.history(lead).then((found) => setTold(found as Told), (error: Refused) => setTrouble(error.message || words.say("unreachable")));
  }, [lead, words]);
  if (!told) return <p className={trouble ? "problem error" : "note"}>{trouble || words.say("loading")}</p>;
  const person = told.lead;
  const facts = Object.entries(person.fields).filter(([, value]) => value !== null && value !== "");
  return (
    <div className="story">
      <h2>{String(person.fields.name ?? person.email ?? lead)}</h2>
      <p className="note">{[person.email, `${words.say("score")} ${person.score}`, person.owner].filter(Boolean).join(" · ")}</p>
      {person.tags.length > 0 && (
        <p>{person.tags.map((tag) => <span key={tag} className="chip">{tag}<button type="button" aria-label={`${words.in(SAY.untag)}: ${tag}`} onClick={() => onUntag(tag)}>×</button></span>)}</p>
      )}
      <dl>{facts.map(([key, value]) => <div key={key}><dt>{words.fact(key)}</dt><dd>{String(value)}</dd></div>)}</dl>
      <h3>{words.in(SAY.story)}</h3>
      <ol className="moments">
        {moments(told, words).map((moment, n) => (
          <li key={n} className={moment.whose}>
            <span className="icon" aria-hidden>{moment.icon}</span>
            <div><b>{moment.what}</b> <small>{words.time(moment.at)}</small>{moment.because && <small>{moment.because}</small>}</div>
          </li>
        ))}
      </ol>
    </div>
  );
}

function moments(told: Told, words: Words): Moment[] {
  const { outcome } = words;
  const found: Moment[] = [
    ...told.enrollments.map((one) => ({ at: one.enrolled_at, icon: "→", what: `${one.campaign}: ${words.in(SAY.entered)}`, because: "", whose: "" as const })),
    ...told.enrollments.flatMap((one) =>
      one.steps.map((step) => ({ at: step.at, icon: "●", what: `${step.node}${step.outcome ? ` → ${outcome(step.outcome)}` : ""}`, because: step.because, whose: "" as const })),
    ),
    ...told.touches.map((touch) => ({ at: touch.settled_at ?? touch.asked_at, icon: "✉", what: `${touch.channel}: ${touch.content} (${outcome(touch.state)})`, because: touch.because ?? "", whose: "" as const })),
    ...told.signals.map((signal) => ({ at: signal.at, icon: "★", what: outcome(signal.kind), because: [signal.reason, words.who(signal)].filter(Boolean).join(", "), whose: "theirs" as const })),
    ...told.handoffs.map((over) => ({ at: over.opened_at, icon: "⇄", what: `${words.in(SAY.handed)} ${over.to.toUpperCase()} ${over.team ?? ""}`, because: "", whose: "people" as const })),
    ...told.remarks.map((remark) => ({ at: remark.at, icon: "✎", what: said(remark, words), because: remark.who, whose: "people" as const })),
  ];
  // What happens at one instant stays in its order, so that the last of it is on top, too.
  return found.sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).reverse();
}

function said(remark: Told["remarks"][number], words: Words): string {
  if (remark.what === "tag") return `${words.in(SAY.tag)} +${remark.text}`;
  if (remark.what === "untag") return `${words.in(SAY.tag)} −${remark.text}`;
  if (remark.what === "score") return `${words.say("score")} ${Number(remark.text) > 0 ? "+" : ""}${remark.text}`;
  return remark.text;
}
