"""Hand the lead to people."""

from typing import ClassVar, Literal

from nurture import Go, Node, Snapshot, Wait, WaitDuration, effects, invalid, setting

ANSWERS = ("accepted", "returned")


class Route(Node):
    """Hand the lead to SDR or sales and wait for their answer, or give it back to the pool."""

    zh: ClassVar[str] = "把线索交给 SDR 或销售并等待答复，或退回线索池。"
    title_zh: ClassVar[str] = "分配"
    outcomes: ClassVar[tuple[str, ...]] = (*ANSWERS, "unanswered")
    waits: ClassVar[bool] = True

    to: Literal["sdr", "sales", "pool"] = setting(en="To whom", zh="交给谁")
    team: str | None = setting(None, min_length=1, max_length=64, en="Which team of theirs", zh="团队")
    sla: WaitDuration = setting("2 workdays", en="By when they must answer", zh="须在多长时间内答复")
    again_after: WaitDuration | None = setting(
        None, en="Pool: how long until the lead may enter this campaign again", zh="线索池：多久后可再次进入本活动"
    )

    def model_post_init(self, _: object) -> None:
        alien = {"team", "sla"} if self.to == "pool" else {"again_after"}
        if found := sorted(alien & self.model_fields_set):
            raise invalid("E_ROUTE", f'`{found[0]}` does not go with "to": "{self.to}"', "leave it out")

    def ways_out(self) -> tuple[str, ...]:
        return () if self.to == "pool" else type(self).outcomes

    def decide(self, snapshot: Snapshot) -> Go | Wait:
        calendar, entered = snapshot.calendar, snapshot.entered_at
        if self.to == "pool":
            eligible = calendar.after(self.again_after, snapshot.now) if self.again_after else None
            again = f", and may come again from {calendar.say(eligible)}" if eligible else ""
            return Go(None, (effects.Route("pool", eligible=eligible),), because="back to the pool" + again)
        deadline, who = calendar.after(self.sla, entered), f"{self.to} {self.team or ''}".strip()
        for answer in snapshot.signals:
            of_ours = answer.campaign in (None, snapshot.campaign) and answer.node in (None, snapshot.node)
            if answer.kind in ANSWERS and of_ours and entered <= answer.at < deadline:
                reason = f": {answer.reason}" if answer.reason else ""
                return Go(answer.kind, because=f"{answer.kind} by {who} at {calendar.say(answer.at)}{reason}")
        if snapshot.now >= deadline:
            return Go("unanswered", because=f"no answer of {who} within {self.sla}")
        asked = (effects.Route(self.to, self.team, answer_by=deadline),)
        return Wait(deadline, ANSWERS, asked, because=f"{who} may answer until {calendar.say(deadline)}")
