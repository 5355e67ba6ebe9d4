import { ask, Refused, sending } from "../api";

/** What `nurture/web/starting.py` offers and answers. */

/** A JSON Schema of what can be asked for, as the deployment has it. */
export interface Schema {
  properties: Record<string, Property>;
}

export interface Property {
  type?: "string" | "integer" | "boolean";
  description?: string;
  default?: string | number | boolean;
  minimum?: number;
  enum?: string[];
  position?: number;
}

export type Values = Record<string, string | number | boolean>;

export interface Run {
  id: string;
  where: "here" | "elsewhere";
  kind: string;
  dry_run: boolean;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  message: string;
  url: string;
  began: string | null;
  ended: string | null;
  share: number | null;
  counts: [string, number][];
}

export interface Offered {
  forms: Record<string, Schema>;
  /** Field to what there is to choose. */
  offers: Record<string, string[]>;
  elsewhere: { answers: boolean; name: string; remedy: string; why: string };
  runs: Run[];
}

export const ended = (run: Run): boolean => run.state !== "waiting" && run.state !== "running";

const of = (name: string): string => `/campaigns/${encodeURIComponent(name)}/runs`;

export const runs = {
  offered: (name: string) => ask<Offered>(of(name)),
  start: (name: string, kind: string, values: Values, how: { dry_run: boolean; where: Run["where"]; click: string }) =>
    ask<Run>(of(name), sending("POST", { kind, values, ...how })),
  look: (name: string, run: Run) => ask<Run>(`${of(name)}/${run.where}/${encodeURIComponent(run.id)}`),
  upload: (file: File) =>
    ask<{ file: string }>(`/leads-files/${encodeURIComponent(file.name)}`, { method: "PUT", body: file, headers: { "content-type": "application/octet-stream" } }),
};

const EVERY = 700;

/** Tell how a run goes until it has ended; what it gives back stops looking. A look that fails is told, and made again. */
export function follow(name: string, run: Run, told: (run: Run) => void, failed: (error: Refused) => void): () => void {
  let timer = 0;
  let over = false;
  const later = () => { timer = window.setTimeout(look, EVERY); };
  const look = () =>
    void runs.look(name, run).then(
      (now) => {
        if (over) return;
        told(now);
        if (!ended(now)) later();
      },
      (error: Refused) => {
        if (over) return;
        failed(error);
        if (error.status !== 404) later();
      },
    );
  later();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
