"""The engine: everything a program may ask of a nurture installation, as plain functions of their arguments."""

from nurture.engine.engine import Engine, UnknownCampaign
from nurture.engine.enrolling import EnrollReport
from nurture.engine.hearing import HearReport, Incoming
from nurture.engine.publishing import Published
from nurture.engine.replaying import ReplayReport
from nurture.engine.reporting import UnknownLead
from nurture.engine.ticking import TickReport

__all__ = [
    "Engine",
    "EnrollReport",
    "HearReport",
    "Incoming",
    "Published",
    "ReplayReport",
    "TickReport",
    "UnknownCampaign",
    "UnknownLead",
]
