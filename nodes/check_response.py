"""Ask whether the lead responded."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import ClassVar

from nurture import Confidence, Go, Node, Place, Problem, Signal, Snapshot, Wait, WaitDuration, setting, span


class CheckResponse(Node):
    """Did the lead respond to a message? Left at once on a yes, at the deadline on a no."""

    zh: ClassVar[str] = "线索是否回应了某条消息？有回应立即走“是”，到期无回应走“否”。"
    title_zh: ClassVar[str] = "检查回应"
    outcomes: ClassVar[tuple[str, ...]] = ("yes", "no")
    waits: ClassVar[bool] = True

    to: str | None = setting(
        None,
        names_node=True,
        en="The node whose message is meant; empty: the last message",
        zh="针对哪个节点的消息；留空为最近一条",
    )
    evidence: tuple[str, ...] = setting(
        ("viewed", "clicked", "replied", "submitted"), min_length=1, en="What counts as a response", zh="哪些行为算回应"
    )
    within: WaitDuration | None = setting(
        None,
        en="How long after the hand-over a response counts; empty: look back, now",
        zh="发出后多久内的回应有效；留空则只看此刻之前",
    )
    confidence: Confidence = setting(
        "human",
        en="Who must have responded: a person; or also what nobody can tell (unknown), or even scanners (machine)",
        zh="谁的回应算数：只算真人；或也算无法判断的（unknown）、甚至安全扫描程序的（machine）",
    )

    def decide(self, snapshot: Snapshot) -> Go | Wait:
        touch = snapshot.touch(self.to)
        if touch is None:
            raise LookupError(f"no message of {self.to or 'any node'} was asked for, so none can be answered")
        if touch.unsent:
            return Go("no", because=f"never sent: {touch.because or touch.state}")
        sent_at, calendar = touch.settled_at, snapshot.calendar
        if sent_at is None:
            if self.within is None:
                return Go("no", because="not sent yet")
            return Wait(snapshot.now + timedelta(days=1), because="waiting for the message to be sent")
        deadline = calendar.after(self.within, sent_at) if self.within else None
        heard = list(snapshot.all_signals(*self.evidence, since=sent_at, before=deadline, to=touch))
        answer = next((signal for signal in heard if signal.counts_as(self.confidence)), None)
        passed_over = _passed_over(heard[: heard.index(answer)] if answer is not None else heard)
        if answer is not None:
            after = f"{span(answer.at - sent_at)} after it was sent"
            return Go("yes", because=f"{answer.kind} at {calendar.say(answer.at)}, {after}{passed_over}")
        if deadline is None or snapshot.now >= deadline:
            within = f"within {self.within}" if self.within else "so far"
            return Go("no", because=f"not {' or '.join(self.evidence)} {within}{passed_over}")
        return Wait(deadline, wake_on=self.evidence, because=f"waiting for a response until {calendar.say(deadline)}")

    def check(self, place: Place) -> Iterator[Problem]:
        always = {name: node for name, node in place.always_before().items() if node.contents()}
        if self.to is not None and self.to not in always:
            what = f"`to` is '{self.to}', which does not send a message on every path that leads here"
            yield place.error("E_RESPONSE", what, place.did_you_mean(self.to, always), "/to")
            return
        if not always:
            yield place.error(
                "E_RESPONSE", "no message is sent on every path that leads here", "put a `send_content` before it"
            )
            return
        asked = (
            [always[self.to]] if self.to else [node for node in place.sometimes_before().values() if node.contents()]
        )
        channels = {channel for node in asked for channel, _ in node.contents()} & set(place.channels())
        seen = {kind for channel in channels for kind in place.channels()[channel]}
        blind = [kind for kind in self.evidence if kind not in seen]
        if channels and blind and ("evidence" in self.model_fields_set or len(blind) == len(self.evidence)):
            what = f"{', '.join(sorted(channels))} cannot tell whether a lead has {' or '.join(blind)}"
            yield place.warning("W_EVIDENCE", what, f"it can tell: {', '.join(sorted(seen)) or 'nothing'}", "/evidence")
        if set(self.evidence) == {"viewed"}:
            what = "`viewed` alone is weak: many mail programs load no pictures, others load them for nobody"
            yield place.warning("W_WEAK_EVIDENCE", what, "add `clicked` and `replied`", "/evidence")


def _passed_over(signals: Sequence[Signal]) -> str:
    """What was heard and not counted, in a few words."""
    if not signals:
        return ""
    first = signals[0]
    who = "a machine" if first.confidence == "machine" else "nobody knows whom"
    why = f" ({first.because})" if first.because else ""
    more = f" and {len(signals) - 1} more" if len(signals) > 1 else ""
    return f"; not counted: {first.kind} by {who}{why}{more}"
