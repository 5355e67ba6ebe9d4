import { createContext, useContext, useEffect, useId, useState, type ReactNode } from "react";
import type { Field, Problem } from "./api";
import { List, Named, Union } from "./collections";
import { ConditionForm, FRESH } from "./ConditionForm";
import { isMembers, withMember, type Json, type Members } from "./model";
import { useWords } from "./words";

/** The form of a node, from the fields of its type. Every input knows its place in the file, so that problems find it. */

export interface FormAround {
  problems: readonly Problem[];
  /** Ids of nodes that a field may name. */
  nodes: readonly { id: string; title: string }[];
  /** Put this word where the pointer says. */
  onUse: (where: string, word: string) => void;
}

export const FormContext = createContext<FormAround>({ problems: [], nodes: [], onUse: () => {} });

type Change = (value: Json | undefined) => void;

export interface InputProps {
  field: Field;
  value: Json | undefined;
  where: string;
  onChange: Change;
}

export function pointer(where: string, step: string | number): string {
  return `${where}/${String(step).replace(/~/g, "~0").replace(/\//g, "~1")}`;
}

export function Fields({ fields, value, where, onChange }: { fields: readonly Field[]; value: Members; where: string; onChange: (value: Members) => void }) {
  return fields.map((field) => (
    <FieldView
      key={field.name}
      field={field}
      value={value[field.name]}
      where={pointer(where, field.name)}
      onChange={(inner) => onChange(withMember(value, field.name, inner))}
    />
  ));
}

/** Kinds that hold places of their own. */
export const INNER: ReadonlySet<string> = new Set(["condition", "group", "groups", "texts", "shares", "list", "map", "union"]);

export function FieldView({ label, ...props }: InputProps & { label?: string }) {
  const words = useWords();
  const id = useId();
  const { field, where } = props;
  const whole = INNER.has(field.kind);
  return (
    <div className="field" role={whole ? "group" : undefined} aria-labelledby={whole ? `${id}-label` : undefined}>
      <label id={`${id}-label`} htmlFor={whole ? undefined : id} title={field.name}>
        {label ?? (words.in(field.help) || field.name)}
        {field.required && <span className="required" aria-hidden> *</span>}
        {!label && <code>{field.name}</code>}
      </label>
      <Input {...props} id={id} />
      <Problems where={where} inner={!whole} />
    </div>
  );
}

/** What is wrong at this place; with `inner`, below it, too. */
export function Problems({ where, inner }: { where: string; inner: boolean }) {
  const { problems, onUse } = useContext(FormContext);
  const words = useWords();
  const { say } = words;
  const found = problems.filter((problem) => problem.where === where || (inner && problem.where?.startsWith(`${where}/`)));
  return found.map((problem, n) => {
    const meant = offers(problem.hint ?? "");
    return (
      <p key={n} className={`problem ${problem.severity}`} role="status">
        {words.problem(problem).what}
        {problem.hint && <span className="hint"> {words.problem(problem).hint}</span>}
        {problem.where && meant.map((word) => (
          <button key={word} type="button" className="fix" onClick={() => onUse(problem.where!, word)}>
            {say("use")} “{word}”
          </button>
        ))}
      </p>
    );
  });
}

const MOST_OFFERS = 4;

/** The words that a hint proposes: the one that was probably meant, or the few there are. */
function offers(hint: string): string[] {
  const meant = /^did you mean '([^']+)'/.exec(hint)?.[1];
  const there = /^there is: ([\w-]+(?:, [\w-]+)*)$/.exec(hint)?.[1]?.split(", ") ?? [];
  return meant ? [meant] : there.length <= MOST_OFFERS ? there : [];
}

export function Input({ field, value, where, onChange, id }: InputProps & { id: string }): ReactNode {
  const words = useWords();
  const { nodes } = useContext(FormContext);
  const unset = field.default === undefined ? words.say("not_set") : `${words.say("default")}: ${String(field.default)}`;
  const empty = (text: string): string | undefined => (text === "" ? undefined : text);
  switch (field.kind) {
    case "text":
    case "duration":
      return <TextInput id={id} where={where} value={value} field={field} onChange={onChange} />;
    case "integer":
    case "number":
      return (
        <input
          id={id} data-where={where} type="number" step={field.kind === "integer" ? 1 : "any"} min={field.least} max={field.most}
          value={typeof value === "number" ? value : ""} placeholder={String(field.default ?? "")}
          onChange={(event) => onChange(event.target.value === "" ? undefined : Number(event.target.value))}
        />
      );
    case "boolean":
      return (
        <Choice id={id} where={where} value={value === undefined ? "" : String(value)} unset={unset} choices={[["true", words.say("yes")], ["false", words.say("no")]]}
          onChange={(chosen) => onChange(chosen === "" ? undefined : chosen === "true")} />
      );
    case "choice":
      return <Choice id={id} where={where} value={shownText(value)} unset={unset} choices={(field.choices ?? []).map((choice) => [choice, words.day(choice)])} onChange={(chosen) => onChange(empty(chosen))} />;
    case "node":
      return <Choice id={id} where={where} value={shownText(value)} unset={unset} choices={nodes.map((node) => [node.id, node.title === node.id ? node.id : `${node.title} (${node.id})`])} onChange={(chosen) => onChange(empty(chosen))} />;
    case "scalar":
      return <Scalar id={id} where={where} value={value} nullable={field.nullable === true} onChange={onChange} />;
    case "texts":
      return <Texts id={id} where={where} value={value} field={field} onChange={onChange} />;
    case "shares":
      return <Shares where={where} value={value} onChange={onChange} />;
    case "condition":
      return value === undefined ? (
        <button type="button" data-where={where} onClick={() => onChange(FRESH)}>＋ {words.say("add_condition")}</button>
      ) : (
        <ConditionForm tree={value} where={where} onChange={onChange} onRemove={field.required ? undefined : () => onChange(undefined)} />
      );
    case "group":
      return value === undefined ? (
        <button type="button" data-where={where} onClick={() => onChange({})}>＋ {words.say("add")}</button>
      ) : (
        <div className="inner">
          <Fields fields={field.fields ?? []} value={isMembers(value) ? value : {}} where={where} onChange={onChange} />
          {!field.required && <button type="button" className="quiet" onClick={() => onChange(undefined)}>{words.say("remove")}</button>}
        </div>
      );
    case "groups":
      return <Groups field={field} value={value} where={where} onChange={onChange} />;
    case "list":
      return <List field={field} value={value} where={where} onChange={onChange} />;
    case "map":
      return <Named field={field} value={value} where={where} onChange={onChange} />;
    case "union":
      return <Union id={id} field={field} value={value} where={where} onChange={onChange} />;
    case "json":
      return <JsonInput id={id} where={where} value={value} onChange={onChange} />;
  }
}

function shownText(value: Json | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

function TextInput({ id, where, value, field, onChange }: { id: string; where: string; value: Json | undefined; field: Field; onChange: Change }) {
  const list = useId();
  return (
    <>
      <input
        id={id} data-where={where} type="text" value={shownText(value)} placeholder={String(field.default ?? "")} list={field.words ? list : undefined}
        autoComplete="off" spellCheck={false} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
      />
      {field.words && <datalist id={list}>{field.words.map((word) => <option key={word} value={word} />)}</datalist>}
    </>
  );
}

/** A choice among words; one that is not among them is shown, so that it can be seen and changed. */
export function Choice({ id, where, value, unset, choices, onChange, label }: {
  id?: string; where?: string; value: string; unset?: string; choices: readonly (readonly [string, string])[]; onChange: (value: string) => void; label?: string;
}) {
  const strange = value !== "" && !choices.some(([choice]) => choice === value);
  return (
    <select id={id} data-where={where} aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      {unset !== undefined && <option value="">{unset}</option>}
      {strange && <option value={value}>{value} ?</option>}
      {choices.map(([choice, said]) => <option key={choice} value={choice}>{said}</option>)}
    </select>
  );
}

function Scalar({ id, where, value, nullable, onChange }: { id: string; where: string; value: Json | undefined; nullable: boolean; onChange: Change }) {
  const { say } = useWords();
  const kind = value === null ? "nothing" : typeof value === "number" ? "number" : typeof value === "boolean" ? "truth" : "text";
  const kinds = (["text", "number", "truth", ...(nullable ? (["nothing"] as const) : [])] as const).map((each) => [each, say(each)] as const);
  const turned: Record<string, () => Json> = {
    text: () => shownText(value),
    number: () => (Number.isFinite(Number(value)) ? Number(value) : 0),
    truth: () => true,
    nothing: () => null,
  };
  return (
    <div className="row">
      <Choice value={kind} choices={kinds} label={say("settings")} onChange={(chosen) => onChange(turned[chosen]!())} />
      {kind === "text" && <input id={id} data-where={where} value={shownText(value)} onChange={(event) => onChange(event.target.value)} />}
      {kind === "number" && <input id={id} data-where={where} type="number" step="any" value={value as number} onChange={(event) => onChange(Number(event.target.value))} />}
      {kind === "truth" && <Choice id={id} where={where} value={String(value)} choices={[["true", say("yes")], ["false", say("no")]]} onChange={(chosen) => onChange(chosen === "true")} />}
    </div>
  );
}

export function Texts({ id, where, value, field, onChange }: { id?: string; where: string; value: Json | undefined; field: Pick<Field, "words" | "default" | "required">; onChange: Change }) {
  const words = useWords();
  const list = useId();
  const [typed, setTyped] = useState("");
  const unset = value === undefined;
  const items = (Array.isArray(value) ? value : Array.isArray(field.default) ? (field.default as Json[]) : []).map(shownText);
  const put = (now: string[]) => onChange(now.length ? now : undefined);
  const add = (text: string) => {
    const word = text.trim();
    setTyped("");
    if (word && !items.includes(word)) put([...items, word]);
  };
  return (
    <div className={`texts${unset ? " unset" : ""}`}>
      {items.map((item, n) => (
        <span className="chip" key={`${n} ${item}`}>
          {field.words?.includes(item) ? words.outcome(item) : item}
          <button type="button" aria-label={`${words.say("remove")}: ${item}`} onClick={() => put(items.filter((_, k) => k !== n))}>×</button>
        </span>
      ))}
      <input
        id={id} data-where={where} value={typed} list={field.words ? list : undefined} placeholder={words.say("add_item")} aria-label={words.say("add_item")} autoComplete="off"
        onChange={(event) => (field.words?.includes(event.target.value) ? add(event.target.value) : setTyped(event.target.value))}
        onKeyDown={(event) => {
          if (event.key === "Enter") { event.preventDefault(); add(typed); }
          if (event.key === "Backspace" && typed === "" && items.length) put(items.slice(0, -1));
        }}
        onBlur={() => add(typed)}
      />
      {field.words && <datalist id={list}>{field.words.filter((word) => !items.includes(word)).map((word) => <option key={word} value={word} />)}</datalist>}
    </div>
  );
}

function Shares({ where, value, onChange }: { where: string; value: Json | undefined; onChange: Change }) {
  const { say } = useWords();
  const rows = Object.entries(isMembers(value) ? value : {});
  const put = (now: [string, Json][]) => onChange(now.length ? Object.fromEntries(now) : undefined);
  const names = new Set(rows.map(([name]) => name));
  const fresh = () => [..."abcdefghijklmnopqrstuvwxyz"].find((name) => !names.has(name)) ?? `arm ${rows.length + 1}`;
  const total = rows.reduce((sum, [, share]) => sum + (typeof share === "number" ? share : 0), 0);
  return (
    <div className="inner" data-where={where} tabIndex={-1}>
      {rows.map(([name, share], n) => (
        <div className="row" key={n}>
          <Renamed value={name} label={say("name")} taken={names} onChange={(now) => put(rows.map((row, k) => (k === n ? [now, share] : row)))} />
          <input type="number" aria-label={name} value={typeof share === "number" ? share : ""} onChange={(event) => put(rows.map((row, k) => (k === n ? [name, Math.round(Number(event.target.value))] : row)))} />
          <button type="button" className="quiet" aria-label={`${say("remove")}: ${name}`} onClick={() => put(rows.filter((_, k) => k !== n))}>×</button>
        </div>
      ))}
      <div className="row">
        <button type="button" onClick={() => put([...rows, [fresh(), Math.max(1, 100 - total)]])}>＋ {say("add")}</button>
        {rows.length > 0 && <span className="total">{say("total")}: {total}</span>}
      </div>
    </div>
  );
}

/** A name that takes effect when it is left, since half a name is another name. */
export function Renamed({ value, taken, onChange, id, where, label }: { value: string; taken: ReadonlySet<string>; onChange: (value: string) => void; id?: string; where?: string; label?: string }) {
  const { say } = useWords();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const bad = typed !== value && (typed === "" || taken.has(typed));
  const done = () => (typed !== value && !bad ? onChange(typed) : setTyped(value));
  return (
    <>
      <input id={id} data-where={where} aria-label={label} aria-invalid={bad} value={typed} spellCheck={false} onChange={(event) => setTyped(event.target.value)} onBlur={done}
        onKeyDown={(event) => { if (event.key === "Enter") done(); if (event.key === "Escape") setTyped(value); }} />
      {bad && typed !== "" && <p className="problem error">{say("id_taken")}</p>}
    </>
  );
}

function Groups({ field, value, where, onChange }: InputProps) {
  const { say } = useWords();
  const items = Array.isArray(value) ? value : [];
  const put = (now: Json[]) => onChange(now.length ? now : undefined);
  const swapped = (n: number) => items.map((item, k) => (k === n ? items[n - 1]! : k === n - 1 ? items[n]! : item));
  return (
    <div className="inner" data-where={where} tabIndex={-1}>
      {items.map((item, n) => (
        <fieldset key={n}>
          <legend>
            {n + 1}
            {n > 0 && <button type="button" className="quiet" aria-label="↑" onClick={() => put(swapped(n))}>↑</button>}
            <button type="button" className="quiet" aria-label={`${say("remove")}: ${n + 1}`} onClick={() => put(items.filter((_, k) => k !== n))}>×</button>
          </legend>
          <Fields fields={field.fields ?? []} value={isMembers(item) ? item : {}} where={pointer(where, n)} onChange={(now) => put(items.map((each, k) => (k === n ? now : each)))} />
          <Problems where={pointer(where, n)} inner={false} />
        </fieldset>
      ))}
      <button type="button" onClick={() => put([...items, {}])}>＋ {say("add")}</button>
    </div>
  );
}

function JsonInput({ id, where, value, onChange }: { id: string; where: string; value: Json | undefined; onChange: Change }) {
  const { say } = useWords();
  const written = value === undefined ? "" : JSON.stringify(value, null, 2);
  const [typed, setTyped] = useState(written);
  const [bad, setBad] = useState(false);
  useEffect(() => setTyped(written), [written]);
  const done = () => {
    try {
      onChange(typed.trim() === "" ? undefined : (JSON.parse(typed) as Json));
      setBad(false);
    } catch {
      setBad(true);
    }
  };
  return (
    <>
      <textarea id={id} data-where={where} rows={4} spellCheck={false} value={typed} aria-invalid={bad} onChange={(event) => setTyped(event.target.value)} onBlur={done} />
      {bad && <p className="problem error">{say("bad_json")}</p>}
    </>
  );
}
