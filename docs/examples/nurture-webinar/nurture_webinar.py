"""Invite a lead to a webinar."""

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import AwareDatetime

from nurture import Go, Node, Send, Settings, Snapshot, Tag, Wait, WaitDuration, setting


class Webinar(Settings):
    topic: str = setting(
        min_length=1, max_length=64, en="What it is about; who registers gets this tag", zh="主题，同时是报名者的标签"
    )
    starts: AwareDatetime = setting(en="When, such as 2026-04-21T14:00+08:00", zh="开始时间，如 2026-04-21T14:00+08:00")


class InviteToWebinar(Node):
    """Invite the lead to a webinar, and wait until it registers or it is too late."""

    zh: ClassVar[str] = "邀请线索参加研讨会，等到报名或截止。"
    title_zh: ClassVar[str] = "研讨会邀请"
    outcomes: ClassVar[tuple[str, ...]] = ("registered", "not_registered")
    waits: ClassVar[bool] = True

    webinar: Webinar = setting(en="Which one", zh="哪一场")
    channel: Literal["email", "wechat"] = setting("email", en="By what it is sent", zh="渠道")
    content: str = setting(min_length=1, en="The invitation: a name from the content catalogue", zh="邀请函的内容名称")
    answer_within: WaitDuration = setting("5 workdays", en="How long a registration counts", zh="多长时间内的报名有效")

    def contents(self) -> tuple[tuple[str, str], ...]:
        return ((self.channel, self.content),)

    def decide(self, snapshot: Snapshot) -> Go | Wait:
        starts, calendar, invitation = self.webinar.starts, snapshot.calendar, snapshot.touch(snapshot.node)
        if invitation is None:
            if snapshot.now >= starts:
                return Go("not_registered", because=f"{self.webinar.topic} had begun already")
            ask = Send(self.channel, self.content, expires=starts - snapshot.now)
            return Wait(starts, effects=(ask,), because="waiting for the invitation to be sent")
        if invitation.unsent:
            return Go("not_registered", because=f"never invited: {invitation.because}")
        if invitation.settled_at is None:
            return Wait(snapshot.now + timedelta(days=1), because="waiting for the invitation to be sent")
        deadline = min(starts, calendar.after(self.answer_within, invitation.settled_at))
        answer = snapshot.first_signal("registered", since=invitation.settled_at, before=deadline, to=invitation)
        if answer is not None:
            return Go("registered", (Tag((self.webinar.topic,)),), because=f"registered at {calendar.say(answer.at)}")
        if snapshot.now >= deadline:
            return Go("not_registered", because=f"no registration until {calendar.say(deadline)}")
        return Wait(deadline, ("registered",), because=f"a registration counts until {calendar.say(deadline)}")
