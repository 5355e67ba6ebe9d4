import type { Text } from "../api";

/** The words of letting leads in, in English and Chinese. */

export const SAY = {
  "run-campaign": { en: "Leads we know", zh: "已有线索" },
  backfill: { en: "Leads file", zh: "线索文件" },
  dry_run: { en: "Dry run", zh: "试算" },
  dry_what: { en: "A dry run shows who would enter. Nothing is written, nothing is sent.", zh: "试算只显示谁会进入，不写入、不发送。" },
  would: { en: "What would happen", zh: "将会发生" },
  did: { en: "What happened", zh: "结果" },
  do_there: { en: "Do it, in", zh: "正式执行：" },
  do_here: { en: "Do it here", zh: "在此执行" },
  working: { en: "Working …", zh: "处理中…" },
  waiting: { en: "Waiting to begin", zh: "等待开始" },
  running: { en: "Running", zh: "运行中" },
  done: { en: "Done", zh: "已完成" },
  failed: { en: "Failed", zh: "失败" },
  cancelled: { en: "Cancelled", zh: "已取消" },
  open_run: { en: "Open the run in", zh: "查看运行：" },
  latest: { en: "Last runs", zh: "最近的运行" },
  silent: { en: "No Prefect server answers. Start it with", zh: "没有 Prefect 服务器响应。启动命令：" },
  silent_what: {
    en: "A dry run needs none. Done here, leads enter now and take their first steps with the next heartbeat.",
    zh: "试算不需要它。在此执行时，线索立即进入，首个步骤由下一次心跳执行。",
  },
  save_first: { en: "What is drawn is not saved: what counts is the saved file.", zh: "画布有未保存的改动：以已保存的文件为准。" },
  for_tests: { en: "For tests", zh: "用于测试" },
  choose_file: { en: "— none: leads we know —", zh: "— 无：已有线索 —" },
  no_file: { en: "— none —", zh: "— 无 —" },
  upload: { en: "Upload a file …", zh: "上传文件…" },
  uploading: { en: "Uploading …", zh: "上传中…" },
  nothing: { en: "Nobody.", zh: "没有线索。" },
} satisfies Record<string, Text>;

export type Said = keyof typeof SAY;

/** What fields are called, and their help in Chinese; in English the form itself brings it. */
export const FIELDS: Record<string, { title: Text; zh: string }> = {
  audience: { title: { en: "Audience", zh: "受众" }, zh: "活动所面向的全部线索，或只是其中某个细分（definitions/segments/）。有文件时不看此项。" },
  tag: { title: { en: "Tag", zh: "标签" }, zh: "已有线索：只取带此标签的。文件：给每条线索加上此标签。" },
  limit: { title: { en: "At most", zh: "最多" }, zh: "最多多少条线索，先来的优先。0 表示全部。" },
  file: { title: { en: "Leads file", zh: "线索文件" }, zh: "Nurture 文件夹中的线索文件。留空则取已有线索。" },
  mapping: { title: { en: "Columns", zh: "列对应" }, zh: "列名与我们不同时，每行写一个，例如 company=Firma。常见的中英文表头无需填写。" },
  history: { title: { en: "History file", zh: "历史文件" }, zh: "这些线索以前发生过什么，例如 history.csv。" },
  history_mapping: { title: { en: "Columns of the history", zh: "历史文件的列对应" }, zh: "与列对应相同，用于历史文件。" },
  basis: { title: { en: "Legal basis", zh: "合法依据" }, zh: "整个文件的合法依据。既无依据也无同意的线索不会进入。" },
  pace: { title: { en: "A day at most", zh: "每天最多" }, zh: "每天最多进入多少条。0 表示一次全部进入。" },
  now: { title: { en: "Now", zh: "当前时间" }, zh: "用于测试：假装现在是这一刻，例如 2026-03-02T18:00:00+08:00。留空即现在。" },
  until: { title: { en: "Until", zh: "直到" }, zh: "用于测试：在虚拟时间中一直走到这一刻。留空则立即结束。" },
};

/** Written on several lines. */
export const LONG = new Set(["mapping", "history_mapping"]);
export const FILES = new Set(["file", "history"]);
export const FOR_TESTS = new Set(["now", "until"]);
/** Known by the page itself. */
export const OURS = new Set(["campaign", "dry_run"]);

/** The first word of a row of counts. */
export const COUNTS: Record<string, Text> = {
  read: { en: "rows read", zh: "读取行数" },
  new: { en: "new leads", zh: "新线索" },
  updated: { en: "updated", zh: "已更新" },
  unchanged: { en: "unchanged", zh: "无变化" },
  rejected: { en: "rejected rows", zh: "被拒绝的行" },
  suppressed: { en: "may not be written to", zh: "不可联系" },
  history: { en: "history", zh: "历史" },
  enrolled: { en: "enter", zh: "进入" },
  not_enrolled: { en: "do not enter", zh: "不进入" },
  placed: { en: "begin at", zh: "起始节点" },
};
