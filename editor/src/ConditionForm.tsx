import { createContext, useContext, useId } from "react";
import type { Types } from "./api";
import { Choice, pointer, Problems, Texts } from "./fields";
import { isMembers, withMember, type Json, type Members } from "./model";
import { useWords } from "./words";

/** A condition as a form: groups of comparisons, as deep as one likes. */

export const ConditionsContext = createContext<Types["conditions"]>({ ops: { "": [] }, fields: [] });

interface Props {
  tree: Json;
  where: string;
  onChange: (tree: Json) => void;
  onRemove: (() => void) | undefined;
  /** Part of a group, which has the buttons that add to it. */
  inside?: boolean;
}

export const FRESH: Members = { field: "tags", op: "has", value: "" };
const GROUPS = ["all", "any", "not"] as const;
const NUMBERS = new Set(["<", "<=", ">", ">="]);
const PLAIN = /^-?(0|[1-9]\d{0,10})(\.\d{1,4})?$/;

export function ConditionForm({ tree, where, onChange, onRemove, inside = false }: Props) {
  const { say } = useWords();
  const group = isMembers(tree) ? GROUPS.find((key) => key in tree) : undefined;
  if (!isMembers(tree) || !group) {
    const alone = isMembers(tree) && "field" in tree ? tree : { ...FRESH, field: "" };
    return (
      <>
        <Comparison tree={alone} where={where} onChange={onChange} onRemove={onRemove} />
        {!inside && (
          <div className="row wrap">
            <button type="button" onClick={() => onChange({ all: [alone, FRESH] })}>＋ {say("add_condition")}</button>
            <button type="button" onClick={() => onChange({ all: [alone, { any: [FRESH] }] })}>＋ {say("add_group")}</button>
          </div>
        )}
      </>
    );
  }
  const inner = tree[group];
  const parts: Json[] = Array.isArray(inner) ? inner : inner === undefined || inner === null ? [] : [inner];
  const put = (kind: string, now: Json[]) => onChange(kind === "not" ? { not: now.length === 1 ? now[0]! : { all: now } } : { [kind]: now });
  const at = (n: number) => (group === "not" ? `${where}/not` : pointer(`${where}/${group}`, n));
  return (
    <div className="condition" data-where={where} tabIndex={-1}>
      <div className="row">
        <Choice label={say("comparison")} value={group} choices={[...GROUPS.map((key): [string, string] => [key, say(key)]), ...(parts.length === 1 ? [["alone", say("alone")] as [string, string]] : [])]} onChange={(kind) => (kind === "alone" ? onChange(parts[0]!) : put(kind, parts))} />
        {onRemove && <button type="button" className="quiet" aria-label={say("remove")} onClick={onRemove}>×</button>}
      </div>
      {parts.map((part, n) => (
        <ConditionForm
          key={n} tree={part} where={at(n)} inside
          onChange={(now) => put(group, parts.map((each, k) => (k === n ? now : each)))}
          onRemove={parts.length > 1 ? () => put(group, parts.filter((_, k) => k !== n)) : onRemove}
        />
      ))}
      {group !== "not" && (
        <div className="row">
          <button type="button" onClick={() => put(group, [...parts, FRESH])}>＋ {say("add_condition")}</button>
          <button type="button" onClick={() => put(group, [...parts, { [group === "all" ? "any" : "all"]: [FRESH] }])}>＋ {say("add_group")}</button>
        </div>
      )}
      <Problems where={where} inner={false} />
      <Problems where={`${where}/${group}`} inner={false} />
    </div>
  );
}

function Comparison({ tree, where, onChange, onRemove }: Omit<Props, "tree"> & { tree: Members }) {
  const words = useWords();
  const { say } = words;
  const { ops, fields } = useContext(ConditionsContext);
  const list = useId();
  const field = typeof tree.field === "string" ? tree.field : "";
  const op = typeof tree.op === "string" ? tree.op : "";
  const known = ops[field.startsWith("signals.") ? "signals" : field in ops && field !== "signals" ? field : ""] ?? [];
  const bare = op === "known" || op === "unknown";

  const renamed = (name: string) => {
    const now = ops[name.startsWith("signals.") ? "signals" : name in ops && name !== "signals" ? name : ""] ?? [];
    const next: Members = { ...tree, field: name };
    onChange(asked(now.includes(op) ? next : { ...next, op: now[0] ?? "=" }));
  };
  /** The comparison with just the members that its operator takes. */
  const asked = (now: Members): Members => {
    const of = String(now.op);
    let kept = String(now.field).startsWith("signals.") ? now : withMember(now, "within", undefined);
    if (of === "known" || of === "unknown") return withMember(kept, "value", undefined);
    const value = kept.value;
    if (of === "in" && !Array.isArray(value)) kept = withMember(kept, "value", value === undefined || value === "" ? [] : [value]);
    else if (of !== "in" && Array.isArray(value)) kept = withMember(kept, "value", value[0] ?? "");
    else if (value === undefined) kept = withMember(kept, "value", "");
    return kept;
  };
  const typed = (text: string): Json => {
    const number = NUMBERS.has(op) || field === "score" || typeof tree.value === "number";
    return number && PLAIN.test(text) ? Number(text) : text;
  };

  return (
    <div className="comparison">
      <div className="row">
        <input list={list} data-where={`${where}/field`} aria-label={say("field")} placeholder={say("field")} value={field} spellCheck={false} autoComplete="off" onChange={(event) => renamed(event.target.value)} />
        <datalist id={list}>{fields.map((name) => <option key={name} value={name} />)}</datalist>
        <Choice label={say("op")} where={`${where}/op`} value={op} choices={known.map((each) => [each, words.op(each)])} onChange={(now) => onChange(asked({ ...tree, op: now }))} />
        {onRemove && <button type="button" className="quiet" aria-label={say("remove")} onClick={onRemove}>×</button>}
      </div>
      {!bare && op === "in" && <Texts where={`${where}/value`} value={tree.value} field={{ required: true }} onChange={(now) => onChange({ ...tree, value: now ?? [] })} />}
      {!bare && op !== "in" && (
        <input data-where={`${where}/value`} aria-label={say("value")} placeholder={say("value")} value={tree.value === undefined ? "" : String(tree.value)} onChange={(event) => onChange({ ...tree, value: typed(event.target.value) })} />
      )}
      {field.startsWith("signals.") && (
        <div className="row">
          <span>{say("within")}</span>
          <input data-where={`${where}/within`} aria-label={say("within")} placeholder={say("ever")} value={typeof tree.within === "string" ? tree.within : ""} onChange={(event) => onChange(withMember(tree, "within", event.target.value || undefined))} />
        </div>
      )}
      <Problems where={where} inner />
    </div>
  );
}
