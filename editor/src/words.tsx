import { createContext, useContext } from "react";
import type { Problem, Signal, Text } from "./api";
import { evidence } from "./evidence";
import type { Json, NodeJson } from "./model";
import { isMembers } from "./model";

/** The words of the canvas, in English and Chinese. They are those of docs/glossary.md. */

const WORDS = {
  campaigns: ["Campaigns", "活动"],
  campaign: ["Campaign", "活动"],
  new_campaign: ["New campaign", "新建活动"],
  name_rule: ["Small letters, digits, - and _; it stays for good", "小写字母、数字、- 和 _，确定后不再改变"],
  name: ["Name", "标识"],
  create: ["Create", "创建"],
  cancel: ["Cancel", "取消"],
  close: ["Close", "关闭"],
  open: ["Open", "打开"],
  status: ["Status", "状态"],
  inside: ["Leads inside", "在途线索"],
  due_today: ["Due today", "今日到期"],
  stuck: ["Stuck", "卡住"],
  problems: ["Problems", "问题"],
  no_problems: ["No problems", "没有问题"],
  draft: ["Draft", "草稿"],
  running: ["Running", "运行中"],
  paused: ["Paused", "已暂停"],
  changed: ["changed since it was published", "发布后有改动"],
  no_file: ["no file any more", "文件已不存在"],
  none_yet: ["No campaigns yet. Draw the first one.", "还没有活动，来画第一个吧。"],
  errors: ["errors", "错误"],
  warnings: ["warnings", "警告"],
  nodes: ["nodes", "节点"],
  loading: ["Loading …", "加载中…"],
  unreachable: ["The server does not answer. Is `nurture web` running?", "服务器没有响应。`nurture web` 在运行吗？"],
  again: ["Try again", "重试"],
  save: ["Save", "保存"],
  saved: ["Saved", "已保存"],
  saving: ["Saving …", "保存中…"],
  unsaved: ["Not saved yet", "尚未保存"],
  saved_with: ["Saved; cannot be published before its errors are mended", "已保存；修正错误后才能发布"],
  undo: ["Undo", "撤销"],
  redo: ["Redo", "重做"],
  search: ["Find a node", "查找节点"],
  nothing_found: ["Nothing found", "没有找到"],
  tidy: ["Tidy up", "自动排列"],
  fit: ["Show all", "显示全部"],
  zoom_in: ["Zoom in", "放大"],
  zoom_out: ["Zoom out", "缩小"],
  help: ["Keys", "快捷键"],
  language: ["中文", "EN"],
  theme: ["Light or dark", "浅色或深色"],
  palette: ["Node types", "节点类型"],
  add: ["Add", "添加"],
  add_first: ["Choose a node type to begin with.", "请先选择一个节点类型。"],
  insert: ["Insert a node here", "在此插入节点"],
  end_here: ["End here", "在此结束"],
  end: ["End", "结束"],
  start: ["Start", "开始"],
  make_start: ["Start here", "设为起点"],
  delete: ["Delete", "删除"],
  copy: ["Copy", "复制"],
  title: ["Title", "标题"],
  title_zh: ["Title, Chinese", "标题（中文）"],
  title_en: ["Title, English", "标题（英文）"],
  by_language: ["One per language", "按语言填写"],
  node_id: ["Id", "节点 id"],
  id_taken: ["Another node is called so", "已有同名节点"],
  id_rule: ["Small letters, digits and _, beginning with a letter", "小写字母、数字和 _，以字母开头"],
  settings: ["Settings", "设置"],
  ways_out: ["Ways out", "出口"],
  nowhere: ["— nowhere yet —", "— 尚未连接 —"],
  new_node: ["New node", "新节点"],
  existing: ["Nodes", "已有节点"],
  unknown_ways: ["They depend on the settings above.", "取决于上面的设置。"],
  unknown_type: ["This type is not installed here; its settings are kept as they are.", "此节点类型未安装，其设置保持原样。"],
  leads_here: ["Leads here", "此处的线索"],
  no_leads: ["No lead stands here.", "此处没有线索。"],
  more: ["More", "更多"],
  story: ["Story", "经历"],
  back: ["Back", "返回"],
  since: ["since", "自"],
  until: ["until", "至"],
  entered: ["entered", "进入"],
  here: ["here", "在此"],
  ended: ["Ended", "已结束"],
  signals: ["Signals", "行为信号"],
  touches: ["Touches", "触达"],
  steps: ["Steps", "步骤"],
  now_at: ["Now at", "当前位于"],
  score: ["Score", "评分"],
  conflict: ["Somebody else has changed this campaign", "其他人已修改此活动"],
  conflict_what: ["Since you opened it, the file has changed. This is what saving yours would do to theirs:", "打开之后文件已有改动。保存你的版本将对其产生如下变化："],
  conflict_boxes: ["Only boxes have been moved.", "只移动了方框位置。"],
  conflict_gone: ["The file has been deleted.", "文件已被删除。"],
  conflict_none: ["Both say the same.", "两者内容相同。"],
  take_theirs: ["Take theirs", "采用对方版本"],
  take_mine: ["Save mine over it", "用我的版本覆盖"],
  not_json: ["This file holds no campaign that could be drawn. Mend it in a text editor:", "此文件无法绘制，请在文本编辑器中修正："],
  use: ["Use", "改为"],
  remove: ["Remove", "移除"],
  add_item: ["Add …", "添加…"],
  total: ["Total", "合计"],
  not_set: ["— not set —", "— 未设置 —"],
  default: ["default", "默认"],
  yes: ["Yes", "是"],
  no: ["No", "否"],
  text: ["Text", "文本"],
  number: ["Number", "数字"],
  truth: ["Yes or no", "是或否"],
  nothing: ["Nothing (forget it)", "空（清除）"],
  all: ["All of these hold", "全部满足"],
  any: ["Any of these holds", "满足任一"],
  not: ["This does not hold", "不满足"],
  alone: ["This alone", "仅此一项"],
  comparison: ["Condition", "条件"],
  add_condition: ["Condition", "条件"],
  add_group: ["Group", "条件组"],
  field: ["Field", "字段"],
  op: ["Comparison", "比较"],
  value: ["Value", "值"],
  within: ["Within", "时间范围"],
  ever: ["ever", "不限"],
  bad_json: ["This is not JSON", "不是 JSON"],
  entry: ["Entry", "进入条件"],
  entry_when: ["Who enters", "谁可以进入"],
  entry_mode: ["How", "进入方式"],
  mode_manual: ["by hand or import", "手动或导入"],
  mode_continuous: ["as soon as they match", "符合条件即自动进入"],
  again_after: ["May enter again after", "多久后可再次进入"],
  exit_on: ["Leaves at any time on", "任何时候退出"],
  calendar: ["Country of the workdays, such as CN", "工作日历所属国家，如 CN"],
  time_zone: ["Time zone of leads without one, such as Asia/Shanghai", "线索无时区时采用，如 Asia/Shanghai"],
  send_window: ["When messages may leave", "允许发送的时间段"],
  days: ["Days", "日期"],
  workdays: ["workdays", "工作日"],
  every_day: ["every day", "每天"],
  chosen_days: ["these days", "指定日期"],
  from: ["From", "从"],
  to: ["To", "到"],
  start_node: ["First node", "第一个节点"],
  leave: ["There are changes that are not saved. Leave anyway?", "有未保存的改动，确定离开吗？"],
  paste_no: ["The clipboard holds no nodes", "剪贴板中没有节点"],
  key_save: ["Save", "保存"],
  key_delete: ["Delete what is selected", "删除所选"],
  key_copy: ["Copy, cut, paste nodes as JSON", "以 JSON 复制、剪切、粘贴节点"],
  key_walk: ["Walk along the edges", "沿连线移动选择"],
  key_move: ["Move the selected boxes", "移动所选方框"],
  key_enter: ["Go to the form", "进入表单"],
  key_add: ["Add a node", "添加节点"],
  key_all: ["Select all", "全选"],
  key_form: ["Way out to another node: choose it in the form", "在表单中为出口选择下一节点"],
  last_run: ["Last run", "最近运行"],
  never: ["never", "从未"],
  duplicate: ["Duplicate", "复制一份"],
  begin_with: ["Begin with", "起始模板"],
  pause: ["Pause", "暂停"],
  resume: ["Resume", "继续"],
  retry: ["Try again", "重试"],
  retried: ["stuck leads are due again", "条卡住的线索将重试"],
  take_out: ["Take out", "移出"],
  take_out_what: ["The lead leaves this campaign for good: nothing more of it is sent. The reason stands in its story.", "该线索将退出此活动，不再发送任何消息；原因会记入其经历。"],
  taken_out: ["taken out", "已移出"],
  reason: ["Reason", "原因"],
  delete_what: ["The file and the places of its boxes are deleted. Published versions and what has happened stay on record.", "将删除文件及其布局。已发布的版本和历史记录会保留。"],
  by_human: ["by a person", "由人完成"],
  by_machine: ["by a machine", "由机器完成"],
  by_unknown: ["by nobody knows whom", "无法判断是人还是机器"],
  one_lead: ["One lead", "单条线索"],
  crowd: ["A crowd", "一批线索"],
  try_it: ["Try it", "试运行"],
  try_note: ["On a virtual clock; nobody is written to. Choose what the lead does.", "虚拟时钟，不会发送给任何人。请选择线索的反应。"],
  try_errors: ["Mend the errors first; then it can be tried.", "请先修正错误，然后才能试运行。"],
  tags: ["Tags", "标签"],
  fields: ["Fields", "字段"],
  does_nothing: ["does nothing", "没有反应"],
  after_hours: ["after, hours", "多少小时后"],
  days_in_all: ["days in all", "天（总计）"],
  as_story: ["Copy as a story", "复制为示例"],
  copied: ["Copied", "已复制"],
  leads: ["Leads", "线索数"],
  seed: ["Seed", "种子"],
  rates: ["How often", "发生比例"],
  from_history: ["as it was so far", "按历史数据"],
  nothing_sent_yet: ["Nothing was sent in this campaign yet", "此活动尚未发送过消息"],
  simulate: ["Simulate", "开始模拟"],
  simulating: ["Simulating …", "模拟中…"],
  ends: ["Where they end", "最终去向"],
  sends_per_day: ["Messages a day", "每日消息"],
  handoffs_per_week: ["Hand-offs a week", "每周移交"],
  to_the_end: ["Days to the end", "到结束的天数"],
  half_of_them: ["half of them", "半数"],
  nine_of_ten: ["nine of ten", "九成"],
  slowest: ["slowest", "最慢"],
  messages: ["messages", "条消息"],
  preview: ["Preview", "预览"],
  preview_as: ["As this lead (e-mail)", "以此线索的身份（邮箱）"],
  preview_language: ["Language", "语言"],
  subject: ["Subject", "主题"],
  kind_of_value: ["Kind", "种类"],
  until_lead: ["Search a lead", "查找线索"],
  exit: ["left", "退出"],
  key_esc: ["Back to the campaign", "返回活动设置"],
} as const;

export type Word = keyof typeof WORDS;
export type Language = "en" | "zh";

const DAYS: Record<string, string> = {
  monday: "星期一", tuesday: "星期二", wednesday: "星期三", thursday: "星期四", friday: "星期五", saturday: "星期六", sunday: "星期日",
  workdays: "工作日", "every day": "每天",
};
const OPS: Record<string, Text> = {
  has: { en: "has", zh: "包含标签" }, has_not: { en: "has not", zh: "不含标签" }, known: { en: "is known", zh: "已知" },
  unknown: { en: "is not known", zh: "未知" }, in: { en: "is one of", zh: "属于" }, contains: { en: "contains", zh: "包含" },
  starts_with: { en: "starts with", zh: "开头是" },
};

const FACTS: Record<string, string> = {
  name: "姓名", company: "公司", title: "职位", industry: "行业", region: "地区", source: "来源", status: "状态", stage: "阶段", budget: "预算", need: "需求", timing: "时间", language: "语言", team: "团队",
};

export class Words {
  constructor(
    readonly language: Language,
    private readonly chinese: Record<string, string>,
  ) {}

  say = (word: Word): string => WORDS[word][this.language === "zh" ? 1 : 0];
  in = (text: Text): string => text[this.language] || text.en;
  /** What is wrong, and what to do about it. */
  problem = (problem: Problem): { what: string; hint: string } =>
    (this.language === "zh" && problem.zh) || { what: problem.what, hint: problem.hint ?? "" };
  /** An outcome or a signal kind: named by node types, so that many have no Chinese. */
  outcome = (word: string): string => (this.language === "zh" ? (this.chinese[word] ?? word) : word);
  /** How an enrollment ended: `exit:unsubscribed` is a way out by a signal. */
  ending = (reason: string): string => {
    const [how = "", signal] = reason.split(":");
    return how === "exit" && signal ? `${this.say("exit")} · ${this.outcome(signal)}` : this.outcome(reason);
  };
  /** What a lead's data is called; what a campaign has of its own stays as it is. */
  fact = (name: string): string => (this.language === "zh" ? (FACTS[name] ?? name) : name);
  /** `1 error`, `2 errors`. */
  many = (n: number, word: "errors" | "warnings" | "nodes" | "messages"): string =>
    `${this.number(n)} ${n === 1 && this.language === "en" ? this.say(word).replace(/s$/, "") : this.say(word)}`;
  /** Who did it, as far as can be told, and why we think so. */
  who = (signal: Signal): string => `${this.say(`by_${signal.confidence}`)}${signal.because ? ` (${this.in(evidence(signal.because))})` : ""}`;
  /** Why a campaign cannot be deleted now, and what can be done. */
  inside = (leads: number): string =>
    this.language === "zh"
      ? `仍有 ${this.number(leads)} 条线索在此活动中，不能删除。可以发布新版本并迁移它们，逐条移出或在发布时全部移出，或者暂停活动。`
      : `${this.number(leads)} ${leads === 1 ? "lead is" : "leads are"} inside, so it is not deleted. Publish a version that moves them or takes them out, take them out one by one, or pause the campaign.`;
  day = (word: string): string => (this.language === "zh" ? (DAYS[word] ?? word) : word);
  op = (word: string): string => (OPS[word] ? this.in(OPS[word]) : word);
  number = (n: number): string => n.toLocaleString(this.language === "zh" ? "zh-CN" : "en");
  time = (iso: string | null): string =>
    iso ? new Date(iso).toLocaleString(this.language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" }) : "";

  /** A title as the JSON has it: one text, or one by language. */
  title = (title: Json | undefined, otherwise: string): string => {
    if (typeof title === "string") return title || otherwise;
    if (!isMembers(title)) return otherwise;
    const said = title[this.language] ?? Object.values(title)[0];
    return typeof said === "string" && said ? said : otherwise;
  };

  /** What nodes are called where they are named without being shown: by their titles, and by their ids where several share one. */
  calling = (nodes: Record<string, NodeJson>): ((id: string) => string) => {
    const titles = new Map(Object.entries(nodes).map(([id, node]) => [id, this.title(node.title, id)]));
    const often = new Map<string, number>();
    for (const title of titles.values()) often.set(title, (often.get(title) ?? 0) + 1);
    return (id) => {
      const title = titles.get(id) ?? id;
      return (often.get(title) ?? 0) > 1 ? `${title} (${id})` : title;
    };
  };
}

export const WordsContext = createContext(new Words("en", {}));
export const useWords = (): Words => useContext(WordsContext);
