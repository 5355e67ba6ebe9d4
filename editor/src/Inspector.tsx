import { useMemo, useState, type ReactNode } from "react";
import type { Field, NodeType } from "./api";
import { Choice, Fields, FieldView, Problems, Renamed, Texts, pointer } from "./fields";
import { connect, END, isMembers, NODE_ID, nodesOf, setNode, startOf, targets, withMember, type Drawing, type Json, type Members, type NodeJson } from "./model";
import { Preview } from "./Preview";
import { useWords } from "./words";

/** The form of what is selected: a node, or the campaign itself. */

interface NodeProps {
  id: string;
  drawing: Drawing;
  type: NodeType | undefined;
  types: readonly NodeType[];
  ways: readonly string[];
  /** Whether this node ends the campaign for its lead. */
  ended: boolean;
  onChange: (change: (drawing: Drawing) => Drawing, about?: string) => void;
  onRename: (to: string) => void;
  onNew: (way: string, type: NodeType) => void;
  onDelete: () => void;
  onCopy: () => void;
}

export function NodeForm({ id, drawing, type, types, ways, ended, onChange, onRename, onNew, onDelete, onCopy }: NodeProps) {
  const words = useWords();
  const { say } = words;
  const nodes = nodesOf(drawing.draft);
  const node = nodes[id]!;
  const where = pointer("/nodes", id);
  const [previewing, setPreviewing] = useState(false);
  const others = Object.entries(nodes).filter(([other]) => other !== id);
  const called = words.calling(nodes);
  const put = (now: NodeJson, about: string) => onChange((before) => setNode(before, id, now), about);

  const settings = (now: Members) => {
    const changed = Object.keys({ ...node, ...now }).filter((key) => node[key] !== now[key]);
    put(now as NodeJson, `${id} ${changed.join()}`);
  };

  return (
    <>
      <p className={`type-line ${type?.kind ?? ""}`}>
        <b>{type ? words.in(type.title) : node.type}</b> {type && words.in(type.doc)}
      </p>
      <Problems where={where} inner={false} />
      <Problems where={`${where}/type`} inner={false} />
      <TitleFields value={node.title} where={`${where}/title`} onChange={(title) => settings(withMember(node, "title", title))} />
      <div className="field">
        <label htmlFor="node-id">{say("node_id")}</label>
        <Renamed id="node-id" where={where} value={id} taken={new Set([...others.map(([other]) => other), END])} onChange={(to) => onRename(NODE_ID.test(to) ? to : slug(to))} />
        <p className="note">{say("id_rule")}</p>
      </div>
      {type ? <Fields fields={type.fields} value={node} where={where} onChange={settings} /> : <p className="note">{say("unknown_type")}</p>}
      <Strays node={node} type={type} ended={ended} where={where} onChange={settings} />
      {(ways.length > 0 || (type?.varies && !ended)) && (
        <fieldset className="ways-form">
          <legend>{say("ways_out")}</legend>
          {ways.length === 0 && <p className="note">{say("unknown_ways")}</p>}
          {[...targets(node, ways)].map(([way, target]) => (
            <div className="field" key={way}>
              <label htmlFor={`way-${way}`}>{words.outcome(way)}</label>
              <select
                id={`way-${way}`}
                data-where={pointer(`${where}/next`, way)}
                value={target}
                onChange={(event) => {
                  const chosen = event.target.value;
                  const fresh = types.find((each) => `+${each.type}` === chosen);
                  if (fresh) onNew(way, fresh);
                  else onChange((before) => connect(before, id, ways, way, chosen));
                }}
              >
                <option value="">{say("nowhere")}</option>
                <option value={END}>■ {say("end")}</option>
                {target !== "" && target !== END && !nodes[target] && <option value={target}>{target} ?</option>}
                <optgroup label={say("existing")}>
                  {others.map(([other]) => <option key={other} value={other}>{called(other)}</option>)}
                </optgroup>
                <optgroup label={say("new_node")}>
                  {types.map((each) => <option key={each.type} value={`+${each.type}`}>＋ {words.in(each.title)}</option>)}
                </optgroup>
              </select>
              <Problems where={pointer(`${where}/next`, way)} inner={false} />
            </div>
          ))}
          {!ended && strayWays(node, ways).map((way) => (
            <Stray key={way} name={way} value={(node.next as Members)[way]} where={pointer(`${where}/next`, way)} onRemove={() => settings({ ...node, next: withMember(node.next as Members, way, undefined) })} />
          ))}
          <Problems where={`${where}/next`} inner={false} />
        </fieldset>
      )}
      {previewing && <Preview channel={spoken(node, type, "channel")} content={spoken(node, type, "content")} onClose={() => setPreviewing(false)} />}
      <div className="row actions">
        {type?.kind === "message" && spoken(node, type, "content") !== "" && <button type="button" onClick={() => setPreviewing(true)}>✉ {say("preview")}</button>}
        {startOf(drawing.draft) !== id && <button type="button" onClick={() => onChange((before) => ({ ...before, draft: { ...before.draft, start: id } }))}>▶ {say("make_start")}</button>}
        <button type="button" onClick={onCopy}>{say("copy")}</button>
        <button type="button" className="danger" onClick={onDelete}>{say("delete")}</button>
      </div>
    </>
  );
}

/** By what a message is named, as it is set or by default. */
function spoken(node: NodeJson, type: NodeType | undefined, key: string): string {
  const value = node[key] ?? type?.fields.find((each) => each.name === key)?.default;
  return typeof value === "string" ? value : "";
}

/** Members that the type does not know: shown with what the validator says of them, and a way to take them out. */
function Strays({ node, type, ended, where, onChange }: { node: NodeJson; type: NodeType | undefined; ended: boolean; where: string; onChange: (now: Members) => void }) {
  if (!type) return null;
  const known = new Set(["type", "title", ...(ended ? [] : ["next"]), ...type.fields.map((field) => field.name)]);
  return Object.keys(node)
    .filter((key) => !known.has(key))
    .map((key) => <Stray key={key} name={key} value={node[key]} where={pointer(where, key)} onRemove={() => onChange(withMember(node, key, undefined))} />);
}

function Stray({ name, value, where, onRemove }: { name: string; value: Json | undefined; where: string; onRemove: () => void }) {
  const { say } = useWords();
  return (
    <div className="field">
      <span className="label"><code>{name}</code></span>
      <div className="row">
        <code className="value" data-where={where} tabIndex={-1}>{JSON.stringify(value)}</code>
        <button type="button" className="quiet" onClick={onRemove}>{say("remove")}</button>
      </div>
      <Problems where={where} inner />
    </div>
  );
}

/** Ways out that are drawn, and that the node no longer has. */
function strayWays(node: NodeJson, ways: readonly string[]): string[] {
  return isMembers(node.next) ? Object.keys(node.next).filter((way) => !ways.includes(way)) : [];
}

function slug(text: string): string {
  const found = text.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 64);
  return NODE_ID.test(found) ? found : text;
}

function TitleFields({ value, where, onChange }: { value: Json | undefined; where: string; onChange: (value: Json | undefined) => void }) {
  const { say, language } = useWords();
  if (typeof value === "string") {
    return (
      <div className="field">
        <label htmlFor="title">{say("title")}</label>
        <div className="row">
          <input id="title" data-where={where} value={value} onChange={(event) => onChange(event.target.value || undefined)} />
          <button type="button" className="quiet" onClick={() => onChange({ [language]: value })}>{say("by_language")}</button>
        </div>
        <Problems where={where} inner />
      </div>
    );
  }
  const titles = isMembers(value) ? value : {};
  const both = ["zh", "en"] as const;
  const put = (key: string, text: string) => {
    const now = withMember(titles, key, text || undefined);
    onChange(Object.keys(now).length ? now : undefined);
  };
  return (
    <>
      {(language === "zh" ? both : [...both].reverse()).map((key) => (
        <div className="field" key={key}>
          <label htmlFor={`title-${key}`}>{say(`title_${key}`)}</label>
          <input id={`title-${key}`} lang={key} data-where={`${where}/${key}`} value={typeof titles[key] === "string" ? titles[key] : ""} onChange={(event) => put(key, event.target.value)} />
          <Problems where={`${where}/${key}`} inner />
        </div>
      ))}
      <Problems where={where} inner={false} />
    </>
  );
}

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

function field(name: string, kind: Field["kind"], more: Partial<Field> = {}): Field {
  return { name, kind, required: false, help: { en: "", zh: "" }, ...more };
}

const WHEN = field("when", "condition");
const AGAIN = field("again_after", "duration", { words: ["7 days", "30 days", "90 days"] });
const ZONE = field("time_zone", "text", { words: ["Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York"], default: "UTC" });
const COUNTRY = field("calendar", "text", { words: ["CN", "HK", "SG", "DE", "GB", "US"] });

export function CampaignForm({ drawing, signals, onChange }: { drawing: Drawing; signals: readonly string[]; onChange: NodeProps["onChange"] }) {
  const words = useWords();
  const { say } = words;
  const { draft } = drawing;
  const nodes = nodesOf(draft);
  const exits = useMemo(() => field("exit_on", "texts", { words: [...signals] }), [signals]);
  const set = (key: string) => (value: Json | undefined) =>
    onChange((before) => ({ ...before, draft: withMember(before.draft, key, value) }), `campaign ${key}`);
  const entry = isMembers(draft.entry) ? draft.entry : {};
  const setEntry = (key: string) => (value: Json | undefined) => {
    const now = withMember(entry, key, value);
    set("entry")(Object.keys(now).length ? now : undefined);
  };
  return (
    <>
      <p className="type-line"><b>{say("campaign")}</b> <code>{String(draft.campaign)}</code></p>
      {["", "/campaign", "/nodes", "/entry", "/schema_version", "/$schema"].map((where) => <Problems key={where} where={where} inner={false} />)}
      <TitleFields value={draft.title} where="/title" onChange={set("title")} />
      <Group name={say("entry")}>
        <FieldView field={WHEN} label={say("entry_when")} value={entry.when} where="/entry/when" onChange={setEntry("when")} />
        <div className="field">
          <label htmlFor="mode">{say("entry_mode")}</label>
          <Choice id="mode" where="/entry/mode" value={entry.mode === undefined ? "manual" : String(entry.mode)} choices={[["manual", say("mode_manual")], ["continuous", say("mode_continuous")]]}
            onChange={(mode) => setEntry("mode")(mode === "manual" ? undefined : mode)} />
          <Problems where="/entry/mode" inner />
        </div>
        <FieldView field={AGAIN} label={say("again_after")} value={entry.again_after} where="/entry/again_after" onChange={setEntry("again_after")} />
      </Group>
      <div className="field">
        <label>{say("exit_on")}</label>
        <Texts where="/exit_on" value={draft.exit_on} field={exits} onChange={set("exit_on")} />
        <Problems where="/exit_on" inner />
      </div>
      <FieldView field={COUNTRY} label={say("calendar")} value={draft.calendar} where="/calendar" onChange={set("calendar")} />
      <FieldView field={ZONE} label={say("time_zone")} value={draft.time_zone} where="/time_zone" onChange={set("time_zone")} />
      <Group name={say("send_window")}>
        <Window value={draft.send_window} onChange={set("send_window")} />
        <Problems where="/send_window" inner />
      </Group>
      <div className="field">
        <label htmlFor="start">{say("start_node")}</label>
        <Choice id="start" where="/start" value={startOf(draft)} {...(nodes[startOf(draft)] ? {} : { unset: say("not_set") })} choices={Object.entries(nodes).map(([id, node]) => [id, words.title(node.title, id)])} onChange={set("start")} />
        <Problems where="/start" inner />
      </div>
    </>
  );
}

function Group({ name, children }: { name: string; children: ReactNode }) {
  return <fieldset><legend>{name}</legend>{children}</fieldset>;
}

function Window({ value, onChange }: { value: Json | undefined; onChange: (value: Json | undefined) => void }) {
  const words = useWords();
  const { say } = words;
  if (!isMembers(value)) {
    return <button type="button" data-where="/send_window" onClick={() => onChange({ days: "workdays", from: "09:30", to: "18:00" })}>＋ {say("add")}</button>;
  }
  const days = Array.isArray(value.days) ? value.days : null;
  const set = (key: string, now: Json) => onChange({ ...value, [key]: now });
  return (
    <>
      <Choice label={say("days")} where="/send_window" value={days ? "these" : String(value.days ?? "")} choices={[["workdays", say("workdays")], ["every day", say("every_day")], ["these", say("chosen_days")]]}
        onChange={(kind) => set("days", kind === "these" ? DAYS.slice(0, 5) : kind)} />
      {days && (
        <div className="days">
          {DAYS.map((day) => (
            <label key={day}>
              <input type="checkbox" checked={days.includes(day)} onChange={(event) => set("days", DAYS.filter((each) => (each === day ? event.target.checked : days.includes(each))))} /> {words.day(day)}
            </label>
          ))}
        </div>
      )}
      <div className="row">
        {(["from", "to"] as const).map((key) => (
          <label key={key} className="inline">
            {say(key)} <input size={6} placeholder="09:30" value={typeof value[key] === "string" ? value[key] : ""} onChange={(event) => set(key, event.target.value)} />
          </label>
        ))}
        <button type="button" className="quiet" onClick={() => onChange(undefined)}>{say("remove")}</button>
      </div>
    </>
  );
}
