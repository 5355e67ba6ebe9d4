import { useEffect, useState } from "react";
import { api, type Life, type Refused, type Story } from "../api";
import { Texts } from "../fields";
import { isMembers, type Json, type Members } from "../model";
import type { Mark, Overlay, PanelProps } from "../panels";
import { useWords } from "../words";

/** One lead on a virtual clock. Each choice is part of a story, and the story is lived anew: what is shown always holds. */

const TYPING = 200;
const SOON = 1;

export function OneLead({ campaign, titleOf, reveal, onOverlay }: PanelProps) {
  const words = useWords();
  const { say } = words;
  const { draft } = campaign.drawing;
  // Somebody who enters, as far as tags decide it.
  const [story, setStory] = useState<Story>(() => {
    const tags = wanted(isMembers(draft.entry) ? draft.entry.when : undefined);
    return { lead: tags.length ? ({ tags } as Members) : {}, happens: {} };
  });
  const [life, setLife] = useState<Life | null>(null);
  const [trouble, setTrouble] = useState("");
  const [copied, setCopied] = useState(false);

  useEffect(() => {
    let gone = false;
    const timer = setTimeout(() => {
      api.rehearse(draft, story).then(
        (lived) => {
          if (gone) return;
          setLife(lived);
          setTrouble("");
          onOverlay(walked(lived));
        },
        (error: Refused) => !gone && setTrouble(error.message || say("unreachable")),
      );
    }, TYPING);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [draft, story, onOverlay, say]);

  const setLead = (key: string, value: Json | undefined) => {
    const { [key]: _, ...others } = story.lead;
    setStory({ ...story, lead: value === undefined ? others : { ...others, [key]: value } });
  };
  const choose = (node: string, what: string) => {
    const { [node]: _, ...others } = story.happens;
    setStory({ ...story, happens: what ? { ...others, [node]: what } : others });
  };
  const copy = () => {
    if (!life) return;
    const told = { [`${say("one_lead")} ${life.path.at(-1) ?? ""}`]: { lead: story.lead, happens: story.happens, path: life.path } };
    void navigator.clipboard.writeText(JSON.stringify(told, null, 2)).then(() => setCopied(true));
  };

  return (
    <div className="try">
      <p className="note">{say("try_note")}</p>
      <div className="field" role="group" aria-label={say("tags")}>
        <span className="label">{say("tags")}</span>
        <Texts where="" value={story.lead.tags} field={{ required: false }} onChange={(tags) => setLead("tags", tags)} />
      </div>
      <div className="field">
        <label htmlFor="try-fields">{say("fields")}</label>
        <Facts value={story.lead} onChange={(facts) => setStory({ ...story, lead: { ...facts, ...(story.lead.tags ? { tags: story.lead.tags } : {}) } })} />
      </div>
      {trouble && <p className="problem error" role="alert">{trouble}</p>}
      {life && (
        <ol className="moments">
          {life.steps.map((step, n) => (
            <li key={n}>
              <span className="icon" aria-hidden>●</span>
              <div>
                <button type="button" className="quiet" onClick={() => reveal(step.node)}><b>{titleOf(step.node)}</b>{step.outcome && ` → ${words.outcome(step.outcome)}`}</button>
                <small>{words.time(step.at)} · {step.because}</small>
                {life.choices[step.node] && <Choosing key={step.node} node={step.node} label={titleOf(step.node)} choices={life.choices[step.node]!} value={String(story.happens[step.node] ?? "")} onChoose={(what) => choose(step.node, what)} />}
              </div>
            </li>
          ))}
          <li><span className="icon" aria-hidden>■</span><div><b>{life.path.at(-1)}</b><small>{words.time(life.ended_at)} · {days(life)} {say("days_in_all")} · {life.because}</small>
            <small>{say("score")} {life.lead.score}{life.lead.tags.length > 0 && ` · ${life.lead.tags.join(", ")}`}</small></div></li>
        </ol>
      )}
      <div className="row actions"><button type="button" onClick={copy} disabled={!life}>{copied ? say("copied") : say("as_story")}</button></div>
    </div>
  );
}

interface ChoosingProps {
  node: string;
  label: string;
  choices: readonly string[];
  /** As a story has it: `viewed after 2 hours`. */
  value: string;
  onChoose: (what: string) => void;
}

/** What happens at one node: nothing, or one of the choices some hours later; chance falls at once. */
function Choosing({ node, label, choices, value, onChoose }: ChoosingProps) {
  const words = useWords();
  const { say } = words;
  const found = /^(.+?)(?: after (\d+) hours?)?$/.exec(value);
  const what = found?.[1] ?? "";
  const hours = Number(found?.[2] ?? SOON);
  const chance = !choices.some((choice) => choice === "refused" || choice === "returned");
  const told = (kind: string, after: number) => (!kind ? "" : chance || kind === "refused" ? kind : `${kind} after ${after} hours`);
  return (
    <div className="row">
      <select id={`try-${node}`} aria-label={label} value={what} onChange={(event) => onChoose(told(event.target.value, hours))}>
        <option value="">{say("does_nothing")}</option>
        {choices.map((choice) => <option key={choice} value={choice}>{words.outcome(choice)}</option>)}
      </select>
      {what && !chance && what !== "refused" && (
        <input type="number" className="hours" min={1} max={2000} aria-label={`${label}: ${say("after_hours")}`} title={say("after_hours")} value={hours} onChange={(event) => onChoose(told(what, Math.max(1, Math.round(Number(event.target.value)))))} />
      )}
    </div>
  );
}

/** Fields of the lead, `name = value` a line; what looks like a number is one. */
function Facts({ value, onChange }: { value: Members; onChange: (facts: Members) => void }) {
  const [typed, setTyped] = useState(() => Object.entries(value).filter(([key]) => key !== "tags").map(([key, fact]) => `${key} = ${String(fact)}`).join("\n"));
  const read = (text: string): Members => Object.fromEntries(
    text.split("\n").map((line) => line.split("=").map((part) => part.trim()))
      .filter((parts): parts is [string, string] => parts.length === 2 && parts[0] !== "" && parts[0] !== "tags" && parts[1] !== "")
      .map(([key, text]): [string, Json] => [key, key === "score" || /^-?\d{1,9}(\.\d{1,4})?$/.test(text) ? Number(text) || 0 : text]),
  );
  return <textarea id="try-fields" rows={2} placeholder={"title = CMO\nscore = 20"} spellCheck={false} value={typed} onChange={(event) => setTyped(event.target.value)} onBlur={() => onChange(read(typed))} />;
}

/** The tags that a condition asks for; of several that would do, the first. */
function wanted(tree: Json | undefined): string[] {
  if (!isMembers(tree)) return [];
  if (Array.isArray(tree.all)) return tree.all.flatMap(wanted);
  if (Array.isArray(tree.any)) return wanted(tree.any[0]);
  return tree.field === "tags" && tree.op === "has" && typeof tree.value === "string" ? [tree.value] : [];
}

function walked(life: Life): Overlay {
  const nodes: Record<string, Mark> = {};
  const ways: Record<string, Mark> = {};
  for (const step of life.steps) {
    nodes[step.node] = "walked";
    if (step.outcome) ways[`${step.node}|${step.outcome}`] = "walked";
  }
  const last = life.path.at(-1) ?? "";
  if (last.startsWith("stuck: ")) nodes[last.slice(7)] = "stopped";
  return { counts: {}, nodes, ways };
}

function days(life: Life): number {
  return Math.round((Date.parse(life.ended_at) - Date.parse(life.entered_at)) / 86_400_000);
}
