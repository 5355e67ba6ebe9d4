"""What can have happened, in the words of the systems that kept it.

A word written exactly as one of our kinds (`bounced`) says that and nothing more. Any other spelling (`Bounced`,
`Responded`, `已打开`) is a status: it also says what must have come before, so that a lead who responded was sent a
message and saw it.
"""

from __future__ import annotations

from nurture.snapshot import SIGNAL_KINDS, WANTS_NO_MESSAGES

__all__ = ["KINDS", "SIGNAL_KINDS", "SUPPRESSING", "kinds_of"]

KINDS = frozenset({"sent", *SIGNAL_KINDS})
SUPPRESSING = frozenset({"bounced", *WANTS_NO_MESSAGES})

_STATUSES: dict[tuple[str, ...], str] = {
    ("sent",): "sent, received, delivered, 已发送, 发送成功, 已送达",
    ("sent", "viewed"): "opened, viewed, read, 已打开, 已阅读, 已查看",
    ("sent", "viewed", "clicked"): "clicked, 已点击",
    ("sent", "viewed", "replied"): "responded, replied, answered, 已回复, 已响应",
    ("sent", "bounced"): "bounced, hard bounce, hard bounced, 退信, 硬退信, 已退信, 被退回",
    ("sent", "unsubscribed"): "unsubscribed, opted out, opt out, opt-out, 退订, 已退订, 拒收",
    ("sent", "complained"): "complained, spam, marked as spam, 投诉, 已投诉",
    ("objected",): "objected, 拒绝自动化决策",
    ("submitted",): "submitted, 已提交",
    ("visited",): "visited, 已访问",
    ("downloaded",): "downloaded, 已下载",
    ("registered",): "registered, 已报名, 已注册",
    ("attended",): "attended, 已参会, 已签到",
    ("converted",): "converted, 已转化, 已成交",
    ("accepted",): "accepted",
    ("returned",): "returned",
    (): "planned, invited, not sent, pending, scheduled, queued, 计划中, 已邀请, 未发送, 待发送",
}
_BY_WORD = {word: kinds for kinds, words in _STATUSES.items() for word in words.split(", ")}


def kinds_of(word: str) -> tuple[str, ...] | None:
    """What the word says has happened, in that order; `()` when nothing has, None when nobody knows the word."""
    if word in KINDS:
        return (word,)
    return _BY_WORD.get(" ".join(word.casefold().replace("_", " ").split()))
