"""What goes onto the wire: whatever the server can do, whatever the lead is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nurture.channels.base import Message, Refused, Rendered, Sent
from nurture.channels.email import Email
from nurture.testing.smtp import Catcher

Make = Callable[..., Message]


async def yes() -> bool:
    return True


# -- what the server can do -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param((), id="none"),
        pytest.param(("SIZE",), id="SIZE without a number"),
        pytest.param(("SIZE 0",), id="SIZE 0"),
        pytest.param(("SIZE -1", "SIZE lots"), id="SIZE that lies"),
        pytest.param(tuple(f"X-{n}" for n in range(2000)), id="two thousand"),
    ],
)
def test_whatever_the_server_offers_the_mail_is_plain_seven_bit(
    scene: Any, message: Make, extensions: tuple[str, ...]
) -> None:
    """S31."""
    scene.catcher["extensions"] = extensions
    chinese = message(rendered=Rendered("欢迎", "您好，王女士。\n", "<p>您好，王女士。</p>"), name="王芳")

    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(chinese, yes), catcher.messages

    verdict, messages = scene.play(story)

    assert isinstance(verdict, Sent)
    assert messages[0].raw.isascii()


def test_a_message_too_large_for_the_server_is_refused_before_it_is_named(scene: Any, message: Make) -> None:
    scene.catcher["extensions"] = ("SIZE 1000",)

    async def story(catcher: Catcher, channel: Email) -> Any:
        large = message(1, rendered=Rendered("Hello", "x" * 2000))
        small = message(2, rendered=Rendered("Hello", "x"))
        return [await channel.hand_over(each, yes) for each in (large, small)], catcher.heard

    (large, small), heard = scene.play(story)

    assert isinstance(large, Refused)
    assert large.because == "too_large"
    assert isinstance(small, Sent)
    assert sum(line.line.startswith("MAIL") for line in heard) == 1


def test_an_address_beyond_ascii_goes_only_to_a_server_that_takes_it(scene: Any, message: Make) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(to="用户@例子.测试"), yes), catcher.messages

    with_it, messages = scene.play(story)
    scene.catcher["extensions"] = ("8BITMIME",)
    without, none = scene.play(story)

    assert isinstance(with_it, Sent)
    assert messages[0].to == ("用户@xn--fsqu00a.xn--0zwm56d",)
    assert isinstance(without, Refused)
    assert without.because == "unsupported"
    assert none == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.org",
        "ada@localhost",
        "ada@b..com",
        "a..b@example.org",
        ".a@example.org",
        "a.@example.org",
        "ada@example.org,eve@example.org",
        "ada@example.org>\r\nRCPT TO:<eve@example.org",
        "ada@example.org\n",
        " ada@example.org",
        "Ada <ada@example.org>",
        "<ada@example.org>",
        '"a b"@example.org',
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        "ada@-example.org",
        "ada@exam_ple.org",
        "ａda@example.org ",
        "a\u202eda@example.org",
        "a\0da@example.org",
        "a\ud800da@example.org",
        "ada@exa\u200bmple.org",
        "a" * 65 + "@example.org",
        "ada@" + "a" * 64 + ".org",
        "ada@" + "abcdefgh." * 30 + "org",
        "ada@example.org SIZE=1",
        "ada@xn--a.com\x00",
    ],
)
def test_an_address_that_is_not_one_is_refused_and_never_mended(scene: Any, message: Make, address: str) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(to=address), yes), catcher.heard

    verdict, heard = scene.play(story)

    assert isinstance(verdict, Refused)
    assert verdict.because == "bad_address"
    assert heard == []


# -- T01: nothing that a lead is called becomes a header ---------------------------------------------------------


@pytest.mark.parametrize("slot", ["name", "subject"])
@pytest.mark.parametrize(
    "char", [*map(chr, range(32)), "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ud800"]
)
def test_no_control_character_makes_a_second_header(scene: Any, message: Make, slot: str, char: str) -> None:
    text = f"Ada{char}Bcc: eve@example.org"
    changed = message(name=text) if slot == "name" else message(rendered=Rendered(text, "Hello"))

    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(changed, yes), catcher.messages

    verdict, messages = scene.play(story)

    assert isinstance(verdict, Refused)
    assert verdict.because == "bad_content"
    assert messages == []


def test_a_line_break_from_a_spreadsheet_cell_becomes_a_space_in_a_name(scene: Any, message: Make) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(name="Ada\r\nLovelace"), yes), catcher.messages

    verdict, messages = scene.play(story)

    assert isinstance(verdict, Sent)
    assert messages[0].headers["to"] == ("Ada Lovelace <lead1@example.org>",)
