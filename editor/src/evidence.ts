import type { Text } from "./api";

/** In Chinese, why somebody or something was taken for a person or a machine: the sentences of nurture/evidence.py. */

const SAID: [RegExp, string][] = [
  [/^weak: a picture was loaded through the mailbox provider/, "证据较弱：图片经邮箱服务商加载"],
  [/^weak: a picture was loaded/, "证据较弱：加载了图片"],
  [/^a mail gateway looks at every mail/, "邮件网关会检查每封邮件"],
  [/^a link check looks at every mail/, "链接检测会检查每封邮件"],
  [/^a browser without a screen looks at every mail/, "无界面浏览器会检查每封邮件"],
  [/^a program looks at every mail/, "程序会检查每封邮件"],
  [/^a robot looks at every mail/, "机器人会检查每封邮件"],
  [/^(.+) looks at every mail/, "$1 会检查每封邮件"],
  [/^a mail program that loads every picture ahead/, "邮件程序预先加载所有图片"],
  [/^the link that no person sees was followed, too/, "人看不到的链接也被点开"],
  [/^(\d+) links within (\d+) seconds/, "$2 秒内点开 $1 个链接"],
  [/^(\d+) recipients at once from one place/, "同一来源同时访问 $1 位收件人的邮件"],
  [/^it did not say what program it is/, "未表明是什么程序"],
];
const AT_ONCE = ", right after it was sent";

export function evidence(because: string): Text {
  const soon = because.endsWith(AT_ONCE);
  const core = soon ? because.slice(0, -AT_ONCE.length) : because;
  const known = SAID.find(([pattern]) => pattern.test(core));
  return { en: because, zh: known ? `${core.replace(known[0], known[1])}${soon ? "，且紧接在发送之后" : ""}` : because };
}
