import { useEffect, useState } from "react";
import { api, type Preview as Message, type Refused } from "./api";
import { Dialog } from "./dialogs";
import { useWords } from "./words";

/** A message as a lead would read it. The mail stands in a frame without any rights: it runs nothing and reaches nobody. */
export function Preview({ channel, content, onClose }: { channel: string; content: string; onClose: () => void }) {
  const words = useWords();
  const { say } = words;
  const [language, setLanguage] = useState<string>(words.language);
  const [lead, setLead] = useState("");
  const [typed, setTyped] = useState("");
  const [found, setFound] = useState<Message | null>(null);
  const [trouble, setTrouble] = useState("");
  const query = new URLSearchParams({ channel, content, language, lead }).toString();

  useEffect(() => {
    let gone = false;
    api.preview(query).then(
      (message) => {
        if (gone) return;
        setFound(message);
        setTrouble(message.trouble);
      },
      (error: Refused) => !gone && setTrouble(error.message || say("unreachable")),
    );
    return () => void (gone = true);
  }, [query, say]);

  return (
    <Dialog title={`${say("preview")}: ${content}`} onClose={onClose}>
      <div className="row">
        <label className="inline">{say("preview_language")}
          <select value={language} onChange={(event) => setLanguage(event.target.value)}>
            {[...new Set([...(found?.languages ?? []), language])].sort().map((each) => <option key={each}>{each}</option>)}
          </select>
        </label>
        <form className="row" onSubmit={(event) => { event.preventDefault(); setLead(typed.trim()); }}>
          <input aria-label={say("preview_as")} placeholder={say("preview_as")} value={typed} onChange={(event) => setTyped(event.target.value)} onBlur={() => setLead(typed.trim())} />
        </form>
      </div>
      {trouble && <p className="problem error" role="alert">{trouble}</p>}
      {found && !trouble && (
        <>
          {found.subject && <p className="subject"><small>{say("subject")}</small> <b>{found.subject}</b></p>}
          {found.html
            ? <iframe className="mail" sandbox="" title={`${say("preview")}: ${found.subject || content}`} src={`/api/preview/page?${query}`} />
            : <pre className="mail" tabIndex={0}>{found.data ? Object.entries(found.data).map(([key, text]) => `${key}: ${text}`).join("\n") : found.text}</pre>}
        </>
      )}
      <div className="row actions"><button type="button" onClick={onClose}>{say("close")}</button></div>
    </Dialog>
  );
}
