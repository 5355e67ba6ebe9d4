"""The names that node types, channels and tests are written with. Whatever is not listed here may change any day."""

from nurture import effects
from nurture.calendar import Calendar, Duration, SendWindow, TimeOfDay, WaitDuration, Weekday, clock, day, span
from nurture.channels.base import Ambiguous, Channel, Message, NotSent, Refused, Rendered, Sent, Verdict
from nurture.condition import Condition, Holds
from nurture.effects import Changes, Effect, Route, Score, Send, SetField, Tag
from nurture.node import Go, Node, Place, Settings, Wait, checked, invalid, setting
from nurture.problems import Problem, Rejected
from nurture.snapshot import SIGNAL_KINDS, Confidence, Lead, Signal, Snapshot, Touch

__all__ = [
    "SIGNAL_KINDS",
    "Ambiguous",
    "Calendar",
    "Changes",
    "Channel",
    "Condition",
    "Confidence",
    "Duration",
    "Effect",
    "Go",
    "Holds",
    "Lead",
    "Message",
    "Node",
    "NotSent",
    "Place",
    "Problem",
    "Refused",
    "Rejected",
    "Rendered",
    "Route",
    "Score",
    "Send",
    "SendWindow",
    "Sent",
    "SetField",
    "Settings",
    "Signal",
    "Snapshot",
    "Tag",
    "TimeOfDay",
    "Touch",
    "Verdict",
    "Wait",
    "WaitDuration",
    "Weekday",
    "checked",
    "clock",
    "day",
    "effects",
    "invalid",
    "setting",
    "span",
]
