import { useId, useState } from "react";
import { Refused } from "../api";
import { useWords } from "../words";
import { runs, type Property, type Schema, type Values } from "./runs";
import { FIELDS, FILES, FOR_TESTS, LONG, OURS, SAY } from "./words";

/** A form made of what is taken: a field more on the other side is a field more here. */

interface FormProps {
  schema: Schema;
  offers: Record<string, string[]>;
  values: Values;
  disabled: boolean;
  onChange: (values: Values) => void;
  onTrouble: (trouble: string) => void;
}

export function RunForm({ schema, offers, values, disabled, onChange, onTrouble }: FormProps) {
  const words = useWords();
  const fields = Object.entries(schema.properties)
    .filter(([name]) => !OURS.has(name))
    .sort(([, a], [, b]) => (a.position ?? 0) - (b.position ?? 0));
  const shown = ([name, property]: [string, Property]) => (
    <Field
      key={name} name={name} property={property} offers={property.enum ?? offers[name]} value={values[name] ?? property.default ?? ""}
      onChange={(value) => onChange({ ...values, [name]: value })} onTrouble={onTrouble}
    />
  );
  return (
    <fieldset className="plain" disabled={disabled}>
      {fields.filter(([name]) => !FOR_TESTS.has(name)).map(shown)}
      <details>
        <summary>{words.in(SAY.for_tests)}</summary>
        {fields.filter(([name]) => FOR_TESTS.has(name)).map(shown)}
      </details>
    </fieldset>
  );
}

interface FieldProps {
  name: string;
  property: Property;
  offers: string[] | undefined;
  value: Values[string];
  onChange: (value: Values[string]) => void;
  onTrouble: (trouble: string) => void;
}

function Field({ name, property, offers, value, onChange, onTrouble }: FieldProps) {
  const words = useWords();
  const id = useId();
  const known = FIELDS[name];
  const help = words.language === "zh" && known ? known.zh : property.description;
  const same = { id, "data-field": name, "aria-describedby": help ? `${id}-help` : undefined };
  return (
    <div className="field">
      <label htmlFor={id}>{known ? words.in(known.title) : name}</label>
      {FILES.has(name) ? <FileField {...same} value={String(value)} files={offers ?? []} none={words.in(name === "file" ? SAY.choose_file : SAY.no_file)} onChange={onChange} onTrouble={onTrouble} />
        : offers ? <select {...same} value={String(value)} onChange={(event) => onChange(event.target.value)}>{offers.map((offer) => <option key={offer}>{offer}</option>)}</select>
        : property.type === "integer" ? <input {...same} type="number" step={1} min={property.minimum} value={String(value)} onChange={(event) => onChange(Math.round(Number(event.target.value)))} />
        : property.type === "boolean" ? <input {...same} type="checkbox" checked={value === true} onChange={(event) => onChange(event.target.checked)} />
        : LONG.has(name) ? <textarea {...same} rows={2} spellCheck={false} value={String(value)} onChange={(event) => onChange(event.target.value)} />
        : <input {...same} type="text" autoComplete="off" value={String(value)} onChange={(event) => onChange(event.target.value)} />}
      {help && <p className="note" id={`${id}-help`}>{help}</p>}
    </div>
  );
}

interface FileProps {
  id: string;
  value: string;
  files: string[];
  none: string;
  onChange: (file: string) => void;
  onTrouble: (trouble: string) => void;
}

/** One of the files that are there already, or one from the reader's own machine. */
function FileField({ value, files, none, onChange, onTrouble, ...same }: FileProps) {
  const words = useWords();
  const [added, setAdded] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const upload = (file: File | undefined) => {
    if (!file) return;
    setBusy(true);
    onTrouble("");
    runs.upload(file).then(
      (kept) => {
        setAdded((before) => [...before, kept.file]);
        onChange(kept.file);
      },
      (error: Refused) => onTrouble(error.message || words.say("unreachable")),
    ).finally(() => setBusy(false));
  };
  return (
    <>
      <select {...same} value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{none}</option>
        {[...new Set([...files, ...added])].map((file) => <option key={file}>{file}</option>)}
      </select>
      <label className="upload">
        {words.in(busy ? SAY.uploading : SAY.upload)}
        <input type="file" className="hidden" accept=".csv,.tsv,.txt,.xlsx" disabled={busy} onChange={(event) => { upload(event.target.files?.[0]); event.target.value = ""; }} />
      </label>
    </>
  );
}
