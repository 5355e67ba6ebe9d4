"""What a server's words mean, without a server."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.channels.base import Ambiguous, NotSent, Refused, Sent
from nurture.channels.replies import Phase, bounded, judge


@given(st.sampled_from(get_args(Phase)), st.integers(-1, 999), st.text())
def test_before_the_final_dot_no_reply_means_sent_and_none_is_ambiguous(phase: Phase, code: int, text: str) -> None:
    verdict = judge(phase, code, text)

    if phase != "dot":
        assert isinstance(verdict, NotSent | Refused)
    else:
        assert isinstance(verdict, Sent) == (200 <= code < 300)
        assert isinstance(verdict, Ambiguous) == (not 200 <= code < 300 and not 400 <= code < 600)
    assert len(verdict.detail) <= 500


@given(st.sampled_from(["rcpt", "data", "dot"]), st.integers(500, 599), st.integers(0, 999))
def test_a_policy_of_theirs_never_suppresses_a_lead(phase: Phase, code: int, point: int) -> None:
    verdict = judge(phase, code, f"5.7.{point} no")

    assert isinstance(verdict, NotSent)
    assert verdict.because == "standing" or code == 552


@pytest.mark.parametrize("point", [0, 1, 2, 3, 6, 10])
def test_an_address_that_does_not_exist_is_a_hard_bounce(point: int) -> None:
    for phase in ("rcpt", "dot"):
        verdict = judge(phase, 550, f"5.1.{point} unknown")

        assert verdict == Refused("hard_bounce", f"{phase}: 550 5.1.{point} unknown")


@given(st.text(max_size=5000))
def test_what_is_kept_of_a_peer_is_one_harmless_line(text: str) -> None:
    kept = bounded(text, ["secret"])

    assert len(kept) <= 500
    assert kept.isprintable()
    assert "secret" not in kept
    kept.encode()
