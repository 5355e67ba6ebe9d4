import { useCallback, useEffect, useState, type FormEvent, type ReactNode } from "react";
import { api, Refused, type Row } from "./api";
import { Dialog } from "./dialogs";
import { PAGES } from "./pages";
import { TEMPLATES } from "./templates";
import { fresh } from "./useCampaign";
import { useWords } from "./words";

/** All campaigns, and how each is doing. */

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;

export function List({ controls, go }: { controls: ReactNode; go: (path: string) => void }) {
  const words = useWords();
  const onOpen = (name: string, isNew: boolean) => go(`/campaign/${name}${isNew ? "#new" : ""}`);
  const { say } = words;
  const [rows, setRows] = useState<Row[] | null>(null);
  const [trouble, setTrouble] = useState<Refused | null>(null);
  /** A new campaign is being named: "" from a template, else as a copy of this one. */
  const [creating, setCreating] = useState<string | null>(null);

  const [deleting, setDeleting] = useState<Row | null>(null);

  const load = useCallback(() => {
    setTrouble(null);
    api.campaigns().then((found) => setRows(found.campaigns), setTrouble);
  }, []);
  useEffect(load, [load]);

  return (
    <main className="page">
      <header className="bar">
        <h1>{say("campaigns")}</h1>
        <nav className="tools">{PAGES.filter((page) => !page.named).map((page) => <Link key={page.path} to={page.path} go={go}>{words.in(page.title)}</Link>)}</nav>
        <span className="tools">{controls}</span>
        <button type="button" className="primary" onClick={() => setCreating("")}>＋ {say("new_campaign")}</button>
      </header>
      {trouble && <p className="problem error">{trouble.status ? trouble.message : say("unreachable")} <button type="button" onClick={load}>{say("again")}</button></p>}
      {!rows && !trouble && <p className="note">{say("loading")}</p>}
      {rows?.length === 0 && <p className="note">{say("none_yet")}</p>}
      {rows && rows.length > 0 && (
        <table className="list">
          <thead>
            <tr><th>{say("campaign")}</th><th>{say("status")}</th><th className="n">{say("inside")}</th><th className="n">{say("due_today")}</th><th className="n">{say("stuck")}</th><th>{say("last_run")}</th><th>{say("problems")}</th><th /></tr>
          </thead>
          <tbody>{rows.map((row) => <Line key={row.name ?? `:${row.campaign}`} row={row} onOpen={onOpen} onDuplicate={(name) => setCreating(name)} onDelete={setDeleting} />)}</tbody>
        </table>
      )}
      {creating !== null && <Creating original={creating} taken={new Set((rows ?? []).map((row) => row.name ?? ""))} onClose={() => setCreating(null)} onCreate={onOpen} />}
      {deleting && <Deleting row={deleting} onClose={() => setDeleting(null)} onDone={() => { setDeleting(null); load(); }} />}
    </main>
  );
}

/** Only where nobody is inside: else the server says how many there are, and what can be done about them. */
function Deleting({ row, onClose, onDone }: { row: Row; onClose: () => void; onDone: () => void }) {
  const words = useWords();
  const { say } = words;
  const [trouble, setTrouble] = useState("");
  const inside = row.inside > 0 ? words.inside(row.inside) : "";
  const erase = async () => {
    await api.erase(row.name!, (await api.open(row.name!)).etag);
    onDone();
  };
  return (
    <Dialog title={`${say("delete")}: ${words.title(row.title, row.campaign)}`} onClose={onClose}>
      <p className={inside ? "problem error" : ""}>{inside || say("delete_what")}</p>
      {trouble && <p className="problem error" role="alert">{trouble}</p>}
      <div className="row actions">
        <button type="button" onClick={onClose}>{say("cancel")}</button>
        {!inside && <button type="button" className="danger" onClick={() => erase().catch((error: Refused) => setTrouble(error.message || say("unreachable")))}>{say("delete")}</button>}
      </div>
    </Dialog>
  );
}

/** An address of ours: opened here by a click, elsewhere by a click with a key held. */
export function Link({ to, go, children, className }: { to: string; go: (path: string) => void; children: ReactNode; className?: string }) {
  return (
    <a href={to} className={className} onClick={(event) => { if (!event.metaKey && !event.ctrlKey && !event.shiftKey) { event.preventDefault(); go(to); } }}>{children}</a>
  );
}

interface LineProps {
  row: Row;
  onOpen: (name: string, isNew: boolean) => void;
  onDuplicate: (name: string) => void;
  onDelete: (row: Row) => void;
}

function Line({ row, onOpen, onDuplicate, onDelete }: LineProps) {
  const words = useWords();
  const { say } = words;
  const { name, problems } = row;
  const title = words.title(row.title, row.campaign);
  return (
    <tr>
      <td data-label={say("campaign")}>
        {name ? <a href={`/campaign/${name}`} onClick={(event) => { if (!event.metaKey && !event.ctrlKey) { event.preventDefault(); onOpen(name, false); } }}><b>{title}</b></a> : <b>{title}</b>}
        <small>{row.campaign}{row.nodes !== null && ` · ${words.many(row.nodes, "nodes")}`}</small>
      </td>
      <td data-label={say("status")}>
        <span className={`state ${row.state}`}>{say(row.state)}</span>
        {row.changed && <small>{say("changed")}</small>}
        {!name && <small>{say("no_file")}</small>}
      </td>
      <td className="n" data-label={say("inside")}>{words.number(row.inside)}</td>
      <td className="n" data-label={say("due_today")}>{words.number(row.due_today)}</td>
      <td className={`n${row.stuck ? " bad" : ""}`} data-label={say("stuck")}>{words.number(row.stuck)}</td>
      <td className="when" data-label={say("last_run")}>{row.last_run ? words.time(row.last_run) : say("never")}</td>
      <td data-label={say("problems")}>
        {problems?.errors ? <span className="badge error">{words.many(problems.errors, "errors")}</span> : null}
        {problems?.warnings ? <span className="badge warning">{words.many(problems.warnings, "warnings")}</span> : null}
        {problems && !problems.errors && !problems.warnings ? <span className="note">{say("no_problems")}</span> : null}
      </td>
      <td className="open-cell">
        {name && <button type="button" onClick={() => onDuplicate(name)} aria-label={`${say("duplicate")}: ${title}`}>{say("duplicate")}</button>}
        {name && <button type="button" onClick={() => onDelete(row)} aria-label={`${say("delete")}: ${title}`}>{say("delete")}</button>}
        {name && <button type="button" onClick={() => onOpen(name, false)} aria-label={`${say("open")}: ${title}`}>{say("open")}</button>}
      </td>
    </tr>
  );
}

interface CreatingProps {
  /** The campaign to be copied; "" for none. */
  original: string;
  taken: ReadonlySet<string>;
  onClose: () => void;
  onCreate: (name: string, isNew: boolean) => void;
}

function Creating({ original, taken, onClose, onCreate }: CreatingProps) {
  const words = useWords();
  const { say } = words;
  const [name, setName] = useState(original ? `${original.slice(0, 58)}_copy` : "");
  const [template, setTemplate] = useState(TEMPLATES[0]!.id);
  const [trouble, setTrouble] = useState("");
  const good = NAME.test(name) && !taken.has(name) && name !== "schema";
  const create = async () => {
    const begins = TEMPLATES.find((each) => each.id === template)!;
    if (!original && !Object.keys(begins.members).length) return onCreate(name, true);
    const from = original ? await api.open(original) : { draft: { ...fresh(name), ...begins.members }, boxes: {} };
    if (!from.draft) return setTrouble(say("not_json"));
    await api.save(name, { ...from.draft, campaign: name }, from.boxes, null);
    onCreate(name, false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (good) create().catch((error: Refused) => setTrouble(error.message || say("unreachable")));
  };
  return (
    <Dialog title={original ? `${say("duplicate")}: ${original}` : say("new_campaign")} onClose={onClose}>
      <form onSubmit={submit}>
        <div className="field">
          <label htmlFor="new-name">{say("name")}</label>
          <input id="new-name" autoFocus value={name} spellCheck={false} autoComplete="off" aria-invalid={name !== "" && !good} onChange={(event) => setName(event.target.value)} />
          <p className="note">{taken.has(name) ? say("id_taken") : say("name_rule")}</p>
        </div>
        {!original && (
          <fieldset>
            <legend>{say("begin_with")}</legend>
            {TEMPLATES.map((each) => <label key={each.id} className="choice"><input type="radio" name="template" checked={template === each.id} onChange={() => setTemplate(each.id)} /> {words.in(each.title)}</label>)}
          </fieldset>
        )}
        {trouble && <p className="problem error" role="alert">{trouble}</p>}
        <div className="row actions">
          <button type="button" onClick={onClose}>{say("cancel")}</button>
          <button type="submit" className="primary" disabled={!good}>{say("create")}</button>
        </div>
      </form>
    </Dialog>
  );
}
