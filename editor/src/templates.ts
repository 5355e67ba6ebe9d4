import { END, type Members } from "./model";

/** What a new campaign may begin with: shapes that work, whose contents are still to be named. */

export interface Template {
  id: string;
  title: { en: string; zh: string };
  /** What it adds to an empty campaign. */
  members: Members;
}

const mail = (zh: string, en: string, next: string) => ({ type: "send_content", title: { zh, en }, channel: "email", content: "", next });
const asked = (to: string, yes: string, no: string) => ({
  type: "check_response", title: { zh: "是否回应", en: "Responded?" }, to, evidence: ["clicked", "replied", "submitted"], within: "3 days", next: { yes, no },
});
const POOL = { type: "route", title: { zh: "回到流量池", en: "Back to the pool" }, to: "pool", again_after: "30 days" };
const SDR = { type: "route", title: { zh: "SDR 跟进", en: "SDR follows up" }, to: "sdr", sla: "2 workdays", next: { accepted: END, returned: "to_pool", unanswered: "to_pool" } };

export const TEMPLATES: readonly Template[] = [
  { id: "empty", title: { en: "An empty canvas", zh: "空白画布" }, members: {} },
  {
    id: "bait", title: { en: "Bait, three days, then SDR or pool", zh: "鱼饵，三天，然后 SDR 或流量池" },
    members: { start: "bait", nodes: { bait: mail("鱼饵", "Bait", "answered"), answered: asked("bait", "to_sdr", "to_pool"), to_sdr: SDR, to_pool: POOL } },
  },
  {
    id: "drip", title: { en: "Three mails, a week apart", zh: "三封邮件，每周一封" },
    members: {
      start: "first",
      nodes: {
        first: mail("第一封", "First mail", "week"), week: { type: "wait", for: "7 days", next: "second" },
        second: mail("第二封", "Second mail", "week_2"), week_2: { type: "wait", for: "7 days", next: "third" },
        third: mail("第三封", "Third mail", "answered"), answered: asked("third", "to_sdr", "to_pool"), to_sdr: SDR, to_pool: POOL,
      },
    },
  },
  {
    id: "wake", title: { en: "Wake up the dormant: mail, then WeChat", zh: "唤醒沉默线索：邮件，再微信" },
    members: {
      start: "hello",
      nodes: {
        hello: mail("好久不见", "Long time no see", "answered"), answered: asked("hello", "awake", "wechat"),
        wechat: { type: "send_content", title: { zh: "微信消息", en: "WeChat message" }, channel: "wechat", content: "", next: "answered_late" },
        answered_late: { ...asked("wechat", "awake", "to_pool"), evidence: ["replied", "submitted"] },
        awake: { type: "tag", title: { zh: "打标签：已唤醒", en: "Tag as awake" }, add: ["已唤醒"], next: "to_pool" }, to_pool: POOL,
      },
    },
  },
];
