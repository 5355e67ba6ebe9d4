import "@xyflow/react/dist/style.css";
import { StrictMode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { api, Refused, type Types } from "./api";
import { Editor } from "./Editor";
import { List } from "./List";
import { PAGES, type PageKind } from "./pages";
import "./styles.css";
import { Words, WordsContext, type Language } from "./words";

/** One program: the list at /, a campaign at /campaign/NAME, and whatever pages.tsx adds. */

interface Route {
  name: string | null;
  isNew: boolean;
  page: PageKind | null;
}

const NAMED = /^(\/[a-z]+)(?:\/([a-z][a-z0-9_-]{0,63}))?$/;

function route(): Route {
  const [, path, name = null] = NAMED.exec(window.location.pathname) ?? [];
  const page = PAGES.find((each) => each.path === path && each.named === (name !== null)) ?? null;
  return { name: page || path === "/campaign" ? name : null, isNew: window.location.hash === "#new", page };
}

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing asks its owner again next time.
  }
}

const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

function App() {
  const [at, setAt] = useState(route);
  const [language, setLanguage] = useState<Language>(() => (kept("language") ?? navigator.language).startsWith("zh") ? "zh" : "en");
  const [theme, setTheme] = useState(() => kept("theme") ?? "");
  const [system, setSystem] = useState(prefersDark.matches);
  const [types, setTypes] = useState<Types | null>(null);
  const [trouble, setTrouble] = useState<Refused | null>(null);
  const dark = theme ? theme === "dark" : system;
  const words = useMemo(() => new Words(language, types?.words.zh ?? {}), [language, types]);

  const unsaved = useRef(false);
  const address = useRef("");
  const question = useRef("");
  question.current = words.say("leave");
  const mayLeave = useCallback(() => !unsaved.current || window.confirm(question.current), []);

  useEffect(() => {
    address.current = window.location.pathname + window.location.hash;
    document.documentElement.lang = language;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    document.title = [at.name, at.page && words.in(at.page.title), "Nurture"].filter(Boolean).join(" · ");
  }, [language, dark, at, words]);
  useEffect(() => {
    const changed = () => setSystem(prefersDark.matches);
    const moved = () => {
      if (mayLeave()) setAt(route());
      // The browser has gone already: what is open gets its address back.
      else history.pushState(null, "", address.current);
    };
    prefersDark.addEventListener("change", changed);
    window.addEventListener("popstate", moved);
    api.types().then(setTypes, setTrouble);
    return () => {
      prefersDark.removeEventListener("change", changed);
      window.removeEventListener("popstate", moved);
    };
  }, [mayLeave]);

  const go = useCallback((path: string) => {
    if (!mayLeave()) return;
    history.pushState(null, "", path);
    setAt(route());
  }, [mayLeave]);
  const onUnsaved = useCallback((now: boolean) => void (unsaved.current = now), []);

  const controls = (
    <>
      <button type="button" onClick={() => { const now = language === "zh" ? "en" : "zh"; keep("language", now); setLanguage(now); }} lang={language === "zh" ? "en" : "zh"}>{words.say("language")}</button>
      <button type="button" onClick={() => { const now = dark ? "light" : "dark"; keep("theme", now); setTheme(now); }} aria-label={words.say("theme")} title={words.say("theme")}>◐</button>
    </>
  );
  return (
    <WordsContext.Provider value={words}>
      {trouble ? <main className="page"><p className="problem error">{trouble.status ? trouble.message : words.say("unreachable")}</p></main>
        : at.page && types ? <at.page.View key={at.name} controls={controls} types={types} name={at.name ?? ""} go={go} />
        : !at.page && !at.name ? <List controls={controls} go={go} />
        : at.name && types ? <Editor key={at.name} name={at.name} isNew={at.isNew} types={types} dark={dark} controls={controls} onLeave={() => go("/")} onUnsaved={onUnsaved} />
        : <main className="page note">{words.say("loading")}</main>}
    </WordsContext.Provider>
  );
}

createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);
