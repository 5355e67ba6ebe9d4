"""The channel says honestly how it went."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from nurture_call import Call

from nurture import Message, NotSent, Refused, Rendered, Sent


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def hand_over(folder: Path, say: str = "Hello", allowed: bool = True):
    message = Message(
        "key/node/0", "abc@house", datetime(2026, 3, 2, tzinfo=UTC), "+8613800000000", "Ada", Rendered(text=say)
    )

    async def may_start() -> bool:
        assert "abc.json" not in left(folder), "something has left before it was allowed to"
        return allowed

    return asyncio.run(Call(folder).hand_over(message, may_start))


def test_a_task_is_there_when_the_channel_says_so(tmp_path):
    verdict = hand_over(tmp_path)

    assert isinstance(verdict, Sent)
    assert "+8613800000000" in (tmp_path / verdict.detail).read_text()


def test_the_same_message_is_the_same_file_wherever_it_is_tried(tmp_path):
    assert hand_over(tmp_path / "here") == hand_over(tmp_path / "there") == Sent("abc.json")


def test_a_message_that_may_not_start_leaves_nothing_behind(tmp_path):
    verdict = hand_over(tmp_path, allowed=False)

    assert verdict == NotSent("withdrawn", "not allowed any more")
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_tried_again_later(tmp_path):
    (tmp_path / "calls").write_text("a file, where a folder should be")

    assert isinstance(hand_over(tmp_path / "calls"), NotSent)


def test_an_empty_message_is_refused_for_good(tmp_path):
    assert isinstance(hand_over(tmp_path, say=""), Refused)
