import type { Box, Members } from "./model";

/** What the server answers. Times are ISO, in UTC. */

export interface Text {
  en: string;
  zh: string;
}

export type FieldKind =
  | "text" | "integer" | "number" | "boolean" | "scalar" | "choice" | "duration" | "condition" | "node"
  | "texts" | "shares" | "group" | "groups" | "json";

export interface Field {
  name: string;
  kind: FieldKind;
  required: boolean;
  nullable?: boolean;
  help: Text;
  default?: unknown;
  choices?: string[];
  words?: string[];
  least?: number;
  most?: number;
  longest?: number;
  fields?: Field[];
}

export type Kind = "message" | "question" | "wait" | "change" | "end";

export interface NodeType {
  type: string;
  title: Text;
  doc: Text;
  kind: Kind;
  outcomes: string[];
  varies: boolean;
  fields: Field[];
}

export interface Types {
  types: NodeType[];
  conditions: { ops: Record<string, string[]>; fields: string[] };
  signals: string[];
  words: { zh: Record<string, string> };
}

export interface Problem {
  where?: string;
  code: string;
  what: string;
  hint?: string;
  severity: "error" | "warning";
  file?: string;
}

export interface Checked {
  problems: Problem[];
  ways: Record<string, string[] | null>;
}

export interface Opened extends Checked {
  name: string;
  etag: string;
  draft: Members | null;
  boxes: Record<string, Box>;
}

export interface Row {
  name: string | null;
  campaign: string;
  title: string | Record<string, string>;
  nodes: number | null;
  state: "draft" | "running" | "paused";
  changed?: boolean;
  problems: { errors: number; warnings: number } | null;
  entered: number;
  inside: number;
  due_today: number;
  stuck: number;
  ended: Record<string, number>;
}

export interface Counts {
  entered: number;
  here: number;
  outcomes: Record<string, number>;
}

export interface Status {
  campaign: string;
  hash: string;
  paused: boolean;
  entered: number;
  waiting: number;
  due: number;
  stuck: number;
  ended: Record<string, number>;
  nodes: Record<string, Counts>;
}

export interface Standing {
  lead: string | null;
  name: string | null;
  company: string | null;
  status: string;
  because: string | null;
  since: string | null;
  due_at: string | null;
}

export interface History {
  lead: { email: string | null; score: number; owner: string | null; tags: string[]; fields: Record<string, unknown> };
  enrollments: {
    campaign: string;
    status: string;
    reason: string | null;
    node: string | null;
    because: string | null;
    due_at: string | null;
    enrolled_at: string;
    ended_at: string | null;
    steps: { node: string; at: string; outcome: string | null; because: string }[];
  }[];
  touches: { campaign: string; node: string; channel: string; content: string; state: string; asked_at: string; settled_at: string | null; because: string | null }[];
  signals: { kind: string; at: string; campaign: string | null; node: string | null; reason: string | null }[];
}

export interface Clash {
  theirs: Opened | null;
  diff: string[];
}

/** The server said no. `status` is 0 when it said nothing. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly clash?: Clash,
  ) {
    super(message);
  }
}

async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`/api${path}`, init);
  } catch {
    throw new Refused(0, "");
  }
  const body = (await answer.json().catch(() => ({}))) as { error?: string };
  if (answer.ok) return body as T;
  throw new Refused(answer.status, body.error ?? answer.statusText, answer.status === 409 ? (body as unknown as Clash) : undefined);
}

function sending(method: string, body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method, body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
}

const at = encodeURIComponent;

export const api = {
  campaigns: () => ask<{ campaigns: Row[] }>("/campaigns"),
  types: () => ask<Types>("/types"),
  open: (name: string) => ask<Opened>(`/campaigns/${at(name)}`),
  check: (draft: Members, signal: AbortSignal) => ask<Checked>("/check", { ...sending("POST", { draft }), signal }),
  /** `etag` null: a new campaign. */
  save: (name: string, draft: Members, boxes: Record<string, Box>, etag: string | null) =>
    ask<Opened>(
      `/campaigns/${at(name)}`,
      sending("PUT", { draft, boxes }, etag === null ? { "if-none-match": "*" } : { "if-match": `"${etag}"` }),
    ),
  status: (name: string) => ask<{ status: Status | null }>(`/campaigns/${at(name)}/status`),
  leads: (name: string, node: string, after: number) =>
    ask<{ leads: Standing[]; after: number | null }>(`/campaigns/${at(name)}/nodes/${at(node)}/leads?after=${after}`),
  history: (lead: string) => ask<History>(`/history?lead=${at(lead)}`),
};
