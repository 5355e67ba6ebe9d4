import type { Box, Json, Members } from "./model";

/** What the server answers. Times are ISO, in UTC. */

export interface Text {
  en: string;
  zh: string;
}

export type FieldKind =
  | "text" | "integer" | "number" | "boolean" | "scalar" | "choice" | "duration" | "condition" | "node"
  | "texts" | "shares" | "group" | "groups" | "list" | "map" | "union" | "json";

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
  /** Of a list or a map: what each item is. */
  item?: Field;
  /** Of a union: what it may be, each under a name. */
  arms?: Arm[];
}

export interface Arm {
  title: string;
  field: Field;
  /** Members with one value only, by which the arm is known. */
  marks: Record<string, string>;
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
  /** The same in Chinese. */
  zh?: { what: string; hint: string };
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
  last_run: string | null;
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
  /** Where leads are stuck, and why. */
  causes: { node: string; cause: string; leads: number; since: string }[];
}

export interface Life {
  entered_at: string;
  ended_at: string;
  path: string[];
  because: string;
  steps: { node: string; at: string; outcome: string | null; because: string }[];
  messages: { node: string; channel: string; content: string; at: string; sent: boolean }[];
  lead: { tags: string[]; score: number };
  /** What may happen to a lead at a node. */
  choices: Record<string, string[]>;
}

export interface Story {
  lead: Record<string, Json>;
  happens: Record<string, Json>;
}

export interface Forecast {
  leads: number;
  seed: number;
  ended: Record<string, number>;
  messages: number;
  days_to_end: { half: number; nine_of_ten: number; slowest: number };
  sends_per_day: Record<string, number>;
  handoffs_per_week: Record<string, number>;
  nodes: Record<string, Counts>;
}

export interface Rates {
  sent: number;
  handoffs: number;
  rates: Record<string, number>;
}

export interface Preview {
  language: string;
  languages: string[];
  subject: string;
  text: string;
  html: boolean;
  data: Record<string, string> | null;
  trouble: string;
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

export interface Signal {
  kind: string;
  at: string;
  campaign: string | null;
  node: string | null;
  reason: string | null;
  /** Whether a person did it, as far as can be told, and why we think so. */
  confidence: "human" | "machine" | "unknown";
  because: string | null;
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
  signals: Signal[];
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

export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`/api${path}`, init);
  } catch {
    throw new Refused(0, "");
  }
  const body = (await answer.json().catch(() => ({}))) as { error?: string; problems?: Problem[] };
  if (answer.ok) return body as T;
  throw new Refused(answer.status, body.error ?? body.problems?.[0]?.what ?? answer.statusText, answer.status === 409 ? (body as unknown as Clash) : undefined);
}

export function sending(method: string, body: unknown, headers: Record<string, string> = {}): RequestInit {
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
  /** The numbers as they change; what it gives back stops it. */
  live: (name: string, told: (status: Status | null) => void): (() => void) => {
    const stream = new EventSource(`/api/campaigns/${at(name)}/live`);
    stream.onmessage = (event: MessageEvent<string>) => {
      const found = JSON.parse(event.data) as Status | { error: string } | null;
      if (!found || !("error" in found)) told(found);
    };
    return () => stream.close();
  },
  pause: (name: string, paused: boolean) => ask<{ paused: boolean }>(`/campaigns/${at(name)}/${paused ? "pause" : "resume"}`, sending("POST", {})),
  retry: (name: string, of: { node?: string; lead?: string }) => ask<{ retried: number }>(`/campaigns/${at(name)}/retry`, sending("POST", of)),
  remove: (name: string, lead: string, reason: string) => ask<{ node: string }>(`/campaigns/${at(name)}/remove`, sending("POST", { lead, reason })),
  erase: (name: string, etag: string) => ask<{ deleted: string }>(`/campaigns/${at(name)}`, sending("DELETE", {}, { "if-match": `"${etag}"` })),
  rehearse: (draft: Members, story: Story) => ask<Life>("/rehearse", sending("POST", { draft, story })),
  simulate: (draft: Members, leads: number, seed: number, rates: Record<string, number>, tags: Record<string, number>) =>
    ask<Forecast>("/simulate", sending("POST", { draft, leads, seed, rates, tags })),
  rates: (name: string) => ask<Rates>(`/campaigns/${at(name)}/rates`),
  preview: (query: string) => ask<Preview>(`/preview?${query}`),
  leads: (name: string, node: string, after: number) =>
    ask<{ leads: Standing[]; after: number | null }>(`/campaigns/${at(name)}/nodes/${at(node)}/leads?after=${after}`),
  history: (lead: string) => ask<History>(`/history?lead=${at(lead)}`),
};
