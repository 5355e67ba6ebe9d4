import { useId } from "react";
import type { Arm, Field } from "./api";
import { FRESH } from "./ConditionForm";
import { Choice, INNER, Input, pointer, Problems, Renamed, type InputProps } from "./fields";
import { isMembers, type Json } from "./model";
import { useWords } from "./words";

/** Settings that hold several values, or one of several kinds: lists, names with values, unions. */

/** A value to begin with, for an item that has just been added. */
function fresh(field: Field): Json {
  switch (field.kind) {
    case "integer":
    case "number":
      return field.least ?? 0;
    case "boolean":
      return false;
    case "choice":
      return field.choices?.[0] ?? "";
    case "duration":
      return field.words?.[0] ?? "";
    case "texts":
    case "list":
    case "groups":
      return [];
    case "group":
    case "shares":
    case "map":
      return {};
    case "condition":
      return FRESH;
    case "union":
      return field.arms?.[0] ? begun(field.arms[0]) : null;
    case "json":
      return null;
    default:
      return "";
  }
}

function begun(arm: Arm): Json {
  const value = fresh(arm.field);
  return isMembers(value) ? { ...value, ...arm.marks } : value;
}

/** One item of a list or a map; emptied, it stays what an empty one is. */
function Item({ field, value, where, label, onChange }: InputProps & { label: string }) {
  const id = useId();
  return (
    <div className="item">
      <label className="hidden" htmlFor={id}>{label}</label>
      <Input id={id} field={field} value={value} where={where} onChange={(now) => onChange(now ?? fresh(field))} />
      <Problems where={where} inner={!INNER.has(field.kind)} />
    </div>
  );
}

export function List({ field, value, where, onChange }: InputProps) {
  const { say } = useWords();
  const item = field.item!;
  const items = Array.isArray(value) ? value : [];
  const put = (now: Json[]) => onChange(now.length ? now : undefined);
  return (
    <div className="inner" data-where={where} tabIndex={-1}>
      {items.map((each, n) => (
        <div className="row" key={n}>
          <Item field={item} value={each} where={pointer(where, n)} label={`${field.name} ${n + 1}`} onChange={(now) => put(items.map((other, k) => (k === n ? now! : other)))} />
          <button type="button" className="quiet" aria-label={`${say("remove")}: ${field.name} ${n + 1}`} onClick={() => put(items.filter((_, k) => k !== n))}>×</button>
        </div>
      ))}
      <button type="button" aria-label={`${say("add")}: ${field.name}`} onClick={() => put([...items, fresh(item)])}>＋ {say("add")}</button>
    </div>
  );
}

export function Named({ field, value, where, onChange }: InputProps) {
  const { say } = useWords();
  const item = field.item!;
  const rows = Object.entries(isMembers(value) ? value : {});
  const names = new Set(rows.map(([name]) => name));
  const put = (now: [string, Json][]) => onChange(now.length ? Object.fromEntries(now) : undefined);
  const free = () => [..."abcdefghijklmnopqrstuvwxyz"].find((name) => !names.has(name)) ?? `name ${rows.length + 1}`;
  return (
    <div className="inner" data-where={where} tabIndex={-1}>
      {rows.map(([name, each], n) => (
        <div className="row" key={n}>
          <Renamed value={name} label={`${field.name}: ${say("name")}`} taken={names} onChange={(now) => put(rows.map((row, k) => (k === n ? [now, each] : row)))} />
          <Item field={item} value={each} where={pointer(where, name)} label={`${field.name}: ${name}`} onChange={(now) => put(rows.map((row, k) => (k === n ? [name, now!] : row)))} />
          <button type="button" className="quiet" aria-label={`${say("remove")}: ${name}`} onClick={() => put(rows.filter((_, k) => k !== n))}>×</button>
        </div>
      ))}
      <button type="button" aria-label={`${say("add")}: ${field.name}`} onClick={() => put([...rows, [free(), fresh(item)]])}>＋ {say("add")}</button>
    </div>
  );
}

export function Union({ id, field, value, where, onChange }: InputProps & { id: string }) {
  const words = useWords();
  const arms = field.arms ?? [];
  const chosen = value === undefined ? -1 : arms.findIndex((arm) => arm === armOf(arms, value));
  const arm = arms[chosen];
  const inner = arm?.field.kind === "group" ? { ...arm.field, required: true, fields: (arm.field.fields ?? []).filter(({ name }) => !(name in arm.marks)) } : arm?.field;
  return (
    <div className="inner" data-where={where} tabIndex={-1}>
      <Choice
        label={`${field.name}: ${words.say("kind_of_value")}`} value={chosen < 0 ? "" : String(chosen)} choices={arms.map((each, n) => [String(n), each.title])}
        {...(field.required && chosen >= 0 ? {} : { unset: words.say("not_set") })}
        onChange={(now) => onChange(now === "" || now === "-1" ? undefined : begun(arms[Number(now)]!))}
      />
      {inner && <Input id={id} field={inner} value={value} where={where} onChange={(now) => onChange(isMembers(now) ? { ...arm!.marks, ...now } : (now ?? fresh(inner)))} />}
    </div>
  );
}

/** Which of a union's kinds this value is: by its marks, by its members, by what JSON calls it. */
function armOf(arms: readonly Arm[], value: Json): Arm | undefined {
  const fits = arms.filter(({ field }) => KINDS[field.kind].includes(Array.isArray(value) ? "array" : value === null ? "null" : (typeof value as string)));
  if (!isMembers(value)) return fits.find(({ field }) => field.choices?.includes(String(value))) ?? fits.find(({ field }) => !field.choices) ?? fits[0];
  const marked = fits.find(({ marks }) => Object.keys(marks).length > 0 && Object.entries(marks).every(([name, mark]) => value[name] === mark));
  const shared = (arm: Arm) => (arm.field.fields ?? []).filter(({ name }) => name in value).length;
  return marked ?? [...fits].sort((a, b) => shared(b) - shared(a))[0];
}

/** What JSON calls a value of each kind. */
const KINDS: Record<Field["kind"], readonly string[]> = {
  text: ["string"], duration: ["string"], choice: ["string"], node: ["string"], integer: ["number"], number: ["number"], boolean: ["boolean"],
  scalar: ["string", "number", "boolean", "null"], texts: ["array"], list: ["array"], groups: ["array"], group: ["object"], map: ["object"],
  shares: ["object"], condition: ["object"], union: ["object", "string", "number", "boolean", "array"], json: ["object", "array", "string", "number", "boolean", "null"],
};
