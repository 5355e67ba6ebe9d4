import { useState } from "react";
import { api, type Forecast, type Rates, type Refused } from "../api";
import type { PanelProps } from "../panels";
import { useWords } from "../words";
import { Bars } from "./Bars";

/** Invented leads through the draft, drawn on the canvas before anything is sent. `nurture simulate` gives the same numbers. */

const FIRST: Record<string, number> = { viewed: 0.35, clicked: 0.12, replied: 0.03, submitted: 0.05, refused: 0.02, unsubscribed: 0.01, accepted: 0.6, returned: 0.2 };
const MOST = 5000;

export function Crowd({ name, campaign, titleOf, onOverlay }: PanelProps) {
  const words = useWords();
  const { say } = words;
  const [leads, setLeads] = useState(1000);
  const [seed, setSeed] = useState(1);
  const [rates, setRates] = useState(FIRST);
  const [tags, setTags] = useState("");
  const [found, setFound] = useState<Forecast | null>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");

  const run = () => {
    setBusy(true);
    setTrouble("");
    api.simulate(campaign.drawing.draft, leads, seed, rates, shares(tags)).then(
      (forecast) => {
        setFound(forecast);
        onOverlay({ counts: forecast.nodes });
      },
      (error: Refused) => setTrouble(error.message || say("unreachable")),
    ).finally(() => setBusy(false));
  };
  const remember = () =>
    void api.rates(name).then(
      (past: Rates) => (past.sent ? setRates({ ...Object.fromEntries(Object.keys(FIRST).map((kind) => [kind, 0])), ...past.rates }) : setTrouble(say("nothing_sent_yet"))),
      (error: Refused) => setTrouble(error.message || say("unreachable")),
    );

  return (
    <div className="try">
      <div className="row">
        <label className="inline">{say("leads")} <input type="number" min={1} max={MOST} value={leads} onChange={(event) => setLeads(Math.round(Number(event.target.value)))} /></label>
        <label className="inline">{say("seed")} <input type="number" value={seed} onChange={(event) => setSeed(Math.round(Number(event.target.value)))} /></label>
      </div>
      <fieldset>
        <legend>{say("rates")} <button type="button" className="quiet" onClick={remember}>{say("from_history")}</button></legend>
        <div className="rates">
          {Object.entries(rates).map(([kind, share]) => (
            <label key={kind} className="inline">{words.outcome(kind)} <input type="number" min={0} max={100} step={1} value={Math.round(share * 1000) / 10} onChange={(event) => setRates({ ...rates, [kind]: Math.min(1, Math.max(0, Number(event.target.value) / 100)) })} /> %</label>
          ))}
        </div>
      </fieldset>
      <div className="field">
        <label htmlFor="try-tags">{say("tags")}</label>
        <input id="try-tags" placeholder="registered, CXO=0.2" value={tags} onChange={(event) => setTags(event.target.value)} />
      </div>
      <div className="row actions"><button type="button" className="primary" onClick={run} disabled={busy}>{busy ? say("simulating") : say("simulate")}</button></div>
      {trouble && <p className="problem error" role="alert">{trouble}</p>}
      {found && (
        <div className="forecast" role="status">
          <h3>{say("ends")}</h3>
          <dl>
            {Object.entries(found.ended).sort(([, a], [, b]) => b - a).map(([end, number]) => (
              <div key={end}><dt>{campaign.drawing.draft.nodes && end in (campaign.drawing.draft.nodes as object) ? titleOf(end) : words.ending(end)}</dt><dd>{words.number(number)} · {Math.round((100 * number) / found.leads)} %</dd></div>
            ))}
          </dl>
          <h3>{say("to_the_end")}</h3>
          <dl>
            {([["half_of_them", "half"], ["nine_of_ten", "nine_of_ten"], ["slowest", "slowest"]] as const).map(([word, key]) => (
              <div key={key}><dt>{say(word)}</dt><dd>{words.number(found.days_to_end[key])}</dd></div>
            ))}
          </dl>
          <h3>{say("sends_per_day")} <small>{words.many(found.messages, "messages")}</small></h3>
          <Bars label={say("sends_per_day")} values={found.sends_per_day} />
          {Object.keys(found.handoffs_per_week).length > 0 && (
            <>
              <h3>{say("handoffs_per_week")}</h3>
              <Bars label={say("handoffs_per_week")} values={found.handoffs_per_week} />
            </>
          )}
        </div>
      )}
    </div>
  );
}

/** `registered, CXO=0.2` as shares; a bare name is all of them. */
function shares(text: string): Record<string, number> {
  return Object.fromEntries(
    text.split(",").map((part) => part.trim()).filter(Boolean).map((part) => {
      const [name = "", share] = part.split("=").map((word) => word.trim());
      return [name, share === undefined ? 1 : Number(share) || 0];
    }),
  );
}
