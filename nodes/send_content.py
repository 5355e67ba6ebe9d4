"""Say something to the lead."""

from datetime import timedelta
from functools import cached_property
from typing import ClassVar, Literal

from nurture import Go, Node, Send, Snapshot, Wait, WaitDuration, setting

DAY = timedelta(days=1)


class SendContent(Node):
    """Send one message, and go on when the channel took it or finally did not."""

    zh: ClassVar[str] = "发送一条消息；渠道接受或最终未能发出后继续。"
    title_zh: ClassVar[str] = "发送内容"
    outcomes: ClassVar[tuple[str, ...]] = ("sent", "unsent")

    channel: str = setting(
        "email", min_length=1, en="By what: email, wechat, sms, webhook", zh="渠道：email、wechat、sms、webhook"
    )
    content: str = setting(min_length=1, en="What: a name from the content catalogue", zh="内容目录中的名称")
    purpose: Literal["marketing", "service"] = setting(
        "marketing",
        en="A service message needs no consent and ignores the frequency cap",
        zh="服务类消息不需要营销许可，也不计入频次上限",
    )
    on_unknown: Literal["hold", "retry_once", "retry"] = setting(
        "hold",
        en="What to do if nobody can know whether it left: never risk a second copy, or do",
        zh="无法确认是否发出时：不重发，或允许重发",
    )
    expires_after: WaitDuration = setting(
        "14 days", en="Give up if it could not be sent by then", zh="超过此时间仍未发出则放弃"
    )

    def contents(self) -> tuple[tuple[str, str], ...]:
        return ((self.channel, self.content),)

    @cached_property
    def _asked(self) -> tuple[Send, ...]:
        return (Send(self.channel, self.content, self.purpose, self.expires_after.roughly, self.on_unknown),)

    def decide(self, snapshot: Snapshot) -> Go | Wait:
        touch = snapshot.touch(snapshot.node)
        if touch is not None and touch.sent:
            doubt = " (nobody can know for certain)" if touch.state == "ambiguous" else ""
            return Go("sent", because=f"sent by {touch.channel}{doubt}")
        if touch is not None and touch.unsent:
            return Go("unsent", because=f"never sent: {touch.because or touch.state}")
        # The verdict wakes the lead; the date is only the net under it, a day after the message must have expired.
        expires = self.expires_after.roughly
        late = max(snapshot.now - snapshot.entered_at - expires, timedelta()) // DAY
        until = snapshot.entered_at + expires + (late + 1) * DAY
        return Wait(until, effects=() if touch else self._asked, because=f"waiting for {self.channel} to take it")
