import { useCallback, useEffect, useState, type FormEvent, type ReactNode } from "react";
import { api, Refused, type Row } from "./api";
import { Dialog } from "./dialogs";
import { useWords } from "./words";

/** All campaigns, and how each is doing. */

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;

export function List({ controls, onOpen }: { controls: ReactNode; onOpen: (name: string, isNew: boolean) => void }) {
  const words = useWords();
  const { say } = words;
  const [rows, setRows] = useState<Row[] | null>(null);
  const [trouble, setTrouble] = useState<Refused | null>(null);
  const [creating, setCreating] = useState(false);

  const load = useCallback(() => {
    setTrouble(null);
    api.campaigns().then((found) => setRows(found.campaigns), setTrouble);
  }, []);
  useEffect(load, [load]);

  return (
    <main className="page">
      <header className="bar">
        <h1>{say("campaigns")}</h1>
        <span className="tools">{controls}</span>
        <button type="button" className="primary" onClick={() => setCreating(true)}>＋ {say("new_campaign")}</button>
      </header>
      {trouble && <p className="problem error">{trouble.status ? trouble.message : say("unreachable")} <button type="button" onClick={load}>{say("again")}</button></p>}
      {!rows && !trouble && <p className="note">{say("loading")}</p>}
      {rows?.length === 0 && <p className="note">{say("none_yet")}</p>}
      {rows && rows.length > 0 && (
        <table className="list">
          <thead>
            <tr><th>{say("campaign")}</th><th>{say("status")}</th><th className="n">{say("inside")}</th><th className="n">{say("due_today")}</th><th className="n">{say("stuck")}</th><th>{say("problems")}</th><th /></tr>
          </thead>
          <tbody>{rows.map((row) => <Line key={row.name ?? `:${row.campaign}`} row={row} onOpen={onOpen} />)}</tbody>
        </table>
      )}
      {creating && <Creating taken={new Set((rows ?? []).map((row) => row.name ?? ""))} onClose={() => setCreating(false)} onCreate={(name) => onOpen(name, true)} />}
    </main>
  );
}

function Line({ row, onOpen }: { row: Row; onOpen: (name: string, isNew: boolean) => void }) {
  const words = useWords();
  const { say } = words;
  const { name, problems } = row;
  const title = words.title(row.title, row.campaign);
  return (
    <tr>
      <td data-label={say("campaign")}>
        {name ? <a href={`/campaign/${name}`} onClick={(event) => { if (!event.metaKey && !event.ctrlKey) { event.preventDefault(); onOpen(name, false); } }}><b>{title}</b></a> : <b>{title}</b>}
        <small>{row.campaign}{row.nodes !== null && ` · ${words.number(row.nodes)} ${say("nodes")}`}</small>
      </td>
      <td data-label={say("status")}>
        <span className={`state ${row.state}`}>{say(row.state)}</span>
        {row.changed && <small>{say("changed")}</small>}
        {!name && <small>{say("no_file")}</small>}
      </td>
      <td className="n" data-label={say("inside")}>{words.number(row.inside)}</td>
      <td className="n" data-label={say("due_today")}>{words.number(row.due_today)}</td>
      <td className={`n${row.stuck ? " bad" : ""}`} data-label={say("stuck")}>{words.number(row.stuck)}</td>
      <td data-label={say("problems")}>
        {problems?.errors ? <span className="badge error">{problems.errors} {say("errors")}</span> : null}
        {problems?.warnings ? <span className="badge warning">{problems.warnings} {say("warnings")}</span> : null}
        {problems && !problems.errors && !problems.warnings ? <span className="note">{say("no_problems")}</span> : null}
      </td>
      <td className="open-cell">{name && <button type="button" onClick={() => onOpen(name, false)}>{say("open")}</button>}</td>
    </tr>
  );
}

function Creating({ taken, onClose, onCreate }: { taken: ReadonlySet<string>; onClose: () => void; onCreate: (name: string) => void }) {
  const { say } = useWords();
  const [name, setName] = useState("");
  const good = NAME.test(name) && !taken.has(name) && name !== "schema";
  const create = (event: FormEvent) => {
    event.preventDefault();
    if (good) onCreate(name);
  };
  return (
    <Dialog title={say("new_campaign")} onClose={onClose}>
      <form onSubmit={create}>
        <div className="field">
          <label htmlFor="new-name">{say("name")}</label>
          <input id="new-name" autoFocus value={name} spellCheck={false} autoComplete="off" aria-invalid={name !== "" && !good} onChange={(event) => setName(event.target.value)} />
          <p className="note">{taken.has(name) ? say("id_taken") : say("name_rule")}</p>
        </div>
        <div className="row actions">
          <button type="button" onClick={onClose}>{say("cancel")}</button>
          <button type="submit" className="primary" disabled={!good}>{say("create")}</button>
        </div>
      </form>
    </Dialog>
  );
}
