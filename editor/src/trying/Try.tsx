import { useState } from "react";
import type { PanelProps } from "../panels";
import { useWords } from "../words";
import { Crowd } from "./Crowd";
import { OneLead } from "./OneLead";

/** The draft tried out: one lead whose responses are chosen, or a crowd that behaves by chance. */
export function Try(props: PanelProps) {
  const { say } = useWords();
  const [crowd, setCrowd] = useState(false);
  const choose = (now: boolean) => {
    setCrowd(now);
    props.onOverlay(null);
  };
  if (props.campaign.checked.problems.some((problem) => problem.severity === "error")) return <p className="note">{say("try_errors")}</p>;
  return (
    <>
      <div className="tabs" role="tablist">
        <button type="button" role="tab" aria-selected={!crowd} onClick={() => choose(false)}>{say("one_lead")}</button>
        <button type="button" role="tab" aria-selected={crowd} onClick={() => choose(true)}>{say("crowd")}</button>
      </div>
      {crowd ? <Crowd {...props} /> : <OneLead {...props} />}
    </>
  );
}
