import { useCallback, useEffect, useRef, useState, type FormEvent } from "react";
import { ask, sending, type Refused } from "../api";
import { Link } from "../List";
import type { PageProps } from "../pages";
import { useWords } from "../words";
import { Story } from "./Story";
import { SAY } from "./words";

/** What an SDR or a salesperson works from: who waits for an answer, the most urgent first, and the whole story of each. */

export interface HandOff {
  enrollment: number;
  node: string;
  campaign: string;
  to: string;
  team: string | null;
  opened_at: string;
  answer_by: string;
  state: "open" | "accepted" | "returned" | "lapsed";
  lead: string | null;
  name: string | null;
  company: string | null;
  title: string | null;
  score: number;
}

interface Team {
  to: string;
  team: string | null;
  open: number;
}

const POLL = 10_000;
const nameOf = (team: Team) => `${team.to}/${team.team ?? ""}`;
const idOf = (one: HandOff) => `${one.enrollment}/${one.node}`;

function kept(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing asks its owner again next time.
  }
}

export function DeskPage({ controls, go }: PageProps) {
  const words = useWords();
  const say = (word: Exclude<keyof typeof SAY, "reasons">) => words.in(SAY[word]);
  const [who, setWho] = useState(() => kept("desk-who"));
  const [team, setTeam] = useState(() => kept("desk-team") || "sdr/");
  const [teams, setTeams] = useState<Team[]>([]);
  const [leads, setLeads] = useState<HandOff[] | null>(null);
  const [skew, setSkew] = useState(0);
  const [now, setNow] = useState(() => Date.now());
  const [chosen, setChosen] = useState<string | null>(null);
  const [trouble, setTrouble] = useState("");
  /** Why the last thing that was done came to nothing; stays when the lead leaves the list. */
  const [lost, setLost] = useState("");
  const asked = useRef(0);

  const load = useCallback(() => {
    const [to = "sdr", name = ""] = team.split("/");
    const mine = ++asked.current;
    ask<{ now: string; teams: Team[]; leads: HandOff[] }>(`/desk?${new URLSearchParams({ to, team: name, who })}`).then(
      (found) => {
        // Of two answers that overtake each other, the one to the later question counts.
        if (mine !== asked.current) return;
        setTeams(found.teams);
        // Whoever has not chosen yet begins where somebody waits.
        const first = found.teams.find((one) => one.open > 0);
        if (first && !kept("desk-team") && !name) setTeam(nameOf(first));
        setLeads(found.leads);
        setSkew(Date.parse(found.now) - Date.now());
        setTrouble("");
      },
      (error: Refused) => setTrouble(error.message || words.say("unreachable")),
    );
  }, [team, who, words]);
  useEffect(() => {
    load();
    const timer = setInterval(load, POLL);
    return () => clearInterval(timer);
  }, [load]);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 20_000);
    return () => clearInterval(timer);
  }, []);

  const listed = teams.some((one) => nameOf(one) === team) ? teams : [{ to: team.split("/")[0]!, team: team.split("/")[1] || null, open: 0 }, ...teams];
  const open = leads?.find((one) => idOf(one) === chosen) ?? null;
  const groups = [
    { title: say("waiting"), none: say("none"), leads: leads?.filter((one) => one.state === "open") ?? [] },
    { title: say("mine"), none: say("none_mine"), leads: leads?.filter((one) => one.state === "accepted") ?? [] },
  ];
  return (
    <main className={`page desk${open ? " with-lead" : ""}`}>
      <header className="bar">
        <h1>{say("desk")}</h1>
        <nav className="tools"><Link to="/" go={go}>{say("campaigns")}</Link></nav>
        <span className="tools">{controls}</span>
      </header>
      <div className="who">
        <label className="inline" htmlFor="who">{say("who")}</label>
        <input id="who" value={who} maxLength={64} placeholder={say("who_hint")} autoComplete="name" onChange={(event) => { setWho(event.target.value); keep("desk-who", event.target.value); }} />
        <label className="inline" htmlFor="team">{say("team")}</label>
        <select id="team" value={team} onChange={(event) => { setTeam(event.target.value); keep("desk-team", event.target.value); setChosen(null); }}>
          {listed.map((one) => <option key={nameOf(one)} value={nameOf(one)}>{one.to.toUpperCase()} · {one.team ?? say("anyone")} ({words.number(one.open)})</option>)}
        </select>
      </div>
      {(lost || trouble) && <p className="problem error" role="alert">{lost || trouble}</p>}
      <div className="halves">
        <div className="hands">
          {groups.map((group) => (
            <section key={group.title} aria-label={group.title}>
              <h2>{group.title} <span className="note">{words.number(group.leads.length)}</span></h2>
              {leads && group.leads.length === 0 && <p className="note">{group.none}</p>}
              <ul className="people">
                {group.leads.map((one) => (
                  <li key={idOf(one)}>
                    <button type="button" aria-pressed={chosen === idOf(one)} onClick={() => { setLost(""); setChosen(idOf(one)); }}>
                      <span className="line"><b>{one.name ?? one.lead}</b>{one.state === "open" && <Left by={one.answer_by} now={now + skew} />}</span>
                      <small>{[one.title, one.company, `${words.say("score")} ${one.score}`].filter(Boolean).join(" · ")}</small>
                      <small>{one.campaign} · {words.time(one.opened_at)}</small>
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </div>
        {open && <Lead key={idOf(open)} one={open} who={who.trim()} now={now + skew} onBack={() => setChosen(null)} onChanged={load} onLost={(why) => { setLost(why); load(); }} />}
      </div>
    </main>
  );
}

/** The SLA, running. */
function Left({ by, now }: { by: string; now: number }) {
  const words = useWords();
  const minutes = Math.round((Date.parse(by) - now) / 60_000);
  const size = Math.abs(minutes);
  const [number, unit] = size >= 2880 ? [Math.floor(size / 1440), "day"] as const : size >= 120 ? [Math.floor(size / 60), "hour"] as const : [size, "minute"] as const;
  const said = new Intl.NumberFormat(words.language === "zh" ? "zh-CN" : "en", { style: "unit", unit, unitDisplay: "long" }).format(number);
  return minutes < 0
    ? <span className="badge error">{words.in(SAY.overdue)} {said}</span>
    : <span className={`badge ${minutes < 120 ? "warning" : "calm"}`}>{words.language === "zh" ? `剩余 ${said}` : `${said} left`}</span>;
}

type Act = "accepted" | "returned";

function Lead({ one, who, now, onBack, onChanged, onLost }: { one: HandOff; who: string; now: number; onBack: () => void; onChanged: () => void; onLost: (why: string) => void }) {
  const words = useWords();
  const say = (word: Exclude<keyof typeof SAY, "reasons">) => words.in(SAY[word]);
  const [returning, setReturning] = useState(false);
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const [heard, setHeard] = useState(0);
  /** One id for one intention: pressed twice, it counts once. A new one comes with what is done next. */
  const click = useRef("");
  if (!click.current) click.current = fresh();

  const send = (path: string, body: object) => {
    if (!who) return setTrouble(say("choose_who"));
    if (busy) return;
    setBusy(true);
    setTrouble("");
    ask(`/desk/${path}`, sending("POST", { enrollment: one.enrollment, node: one.node, who, click: click.current, ...body })).then(
      () => { click.current = fresh(); setReturning(false); setReason(""); setHeard((n) => n + 1); onChanged(); },
      (error: Refused) => {
        const told = error.clash as unknown as { code?: "taken" | "returned" | "late"; by?: string; at?: string } | undefined;
        if (told?.code) onLost([say(told.code), told.by, words.time(told.at ?? null)].filter(Boolean).join(" · "));
        else setTrouble(error.message || words.say("unreachable"));
        // Tried again with the same id when nobody answered; else it was heard, and refused.
        if (error.status) click.current = fresh();
      },
    ).finally(() => setBusy(false));
  };
  const answer = (kind: Act, reason = "") => send("answer", { kind, reason });
  const noted = (what: "note" | "tag" | "untag" | "score", text: string) => send("note", { what, text });

  return (
    <section className="lead" aria-label={one.name ?? one.lead ?? ""}>
      <button type="button" className="quiet back" onClick={onBack}>← {words.say("back")}</button>
      <div className="row acts">
        {one.state === "open" && <><Left by={one.answer_by} now={now} /><button type="button" className="primary" disabled={busy} onClick={() => answer("accepted")}>{say("accept")}</button></>}
        {(one.state === "open" || one.state === "accepted") && <button type="button" disabled={busy} aria-expanded={returning} onClick={() => setReturning(!returning)}>{say("give_back")}</button>}
      </div>
      {trouble && <p className="problem error" role="alert">{trouble}</p>}
      {returning && (
        <form className="returning" onSubmit={(event) => { event.preventDefault(); if (reason.trim()) answer("returned", reason.trim()); }}>
          <div className="row">{SAY.reasons[words.language].map((text) => <button key={text} type="button" onClick={() => setReason(text)}>{text}</button>)}</div>
          <label htmlFor="reason">{say("reason")}</label>
          <textarea id="reason" rows={2} required maxLength={900} value={reason} onChange={(event) => setReason(event.target.value)} />
          <div className="row actions"><button type="button" onClick={() => setReturning(false)}>{say("cancel")}</button><button type="submit" className="primary" disabled={busy || !reason.trim()}>{say("give_back")}</button></div>
        </form>
      )}
      <p className="note">{say("held")}</p>
      <div className="notes">
        <OneLine id="note" label={say("note")} busy={busy} onSend={(text) => noted("note", text)} />
        <OneLine id="tag" label={say("tag")} busy={busy} onSend={(text) => noted("tag", text)} />
        <OneLine id="points" label={say("points")} number busy={busy} onSend={(text) => noted("score", text)} />
      </div>
      {one.lead && <Story key={heard} lead={one.lead} onUntag={(tag) => noted("untag", tag)} />}
    </section>
  );
}

function OneLine({ id, label, number = false, busy, onSend }: { id: string; label: string; number?: boolean; busy: boolean; onSend: (text: string) => void }) {
  const words = useWords();
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    onSend(text.trim());
    setText("");
  };
  return (
    <form className="row" onSubmit={submit}>
      <label htmlFor={`desk-${id}`} className="inline">{label}</label>
      <input id={`desk-${id}`} type={number ? "number" : "text"} step={1} min={number ? -1000 : undefined} max={number ? 1000 : undefined} maxLength={1000} value={text} onChange={(event) => setText(event.target.value)} />
      <button type="submit" disabled={busy || !text.trim()} aria-label={`${words.in(SAY.send)}: ${label}`}>{words.in(SAY.send)}</button>
    </form>
  );
}

function fresh(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
