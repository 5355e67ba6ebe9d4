"""What one mail is, by its octets alone."""

from __future__ import annotations

import pytest

from nurture.mailbox import PlusAddress, meaning, plus_addresses, read_plus
from nurture.mailbox.mail import read_mail
from nurture.mailbox.plus import LONGEST_LOCAL, seals
from tests.mailbox.letters import OURS, bounce, complaint, plain, returned

ADDRESS = PlusAddress.of(b"secret", "news@example.com")
FOR_BOUNCES = ADDRESS.make("b", 7, "key/bait/0")
FOR_REPLIES = ADDRESS.make("r", 7, "key/bait/0")
FOR_OPT_OUTS = ADDRESS.make("u", 7, "key/bait/0")


def what(raw: bytes) -> str:
    return meaning(read_mail(raw)).what


# --- people ------------------------------------------------------------------------------------------------------


def test_a_person_s_answer_is_a_reply_and_cites_what_it_answers() -> None:
    found = meaning(read_mail(plain(FOR_REPLIES, cites=OURS, References=f"<first@x.example> <{OURS}>")))

    assert found.what == "replied"
    assert found.cited == (OURS, "first@x.example")
    assert [token.purpose for token in found.tokens] == ["r"]


@pytest.mark.parametrize(
    "said",
    ["Unsubscribe", "unsubscribe me", "STOP", "退订", "【退订】", "拒收", "取消订阅", "TD"],
)
def test_an_answer_that_says_stop_is_an_opt_out(said: str) -> None:
    assert what(plain(subject=said)) == "unsubscribed"
    assert what(plain(subject=f"回复：{said}")) == "unsubscribed"
    assert what(plain(text=f"\n{said}\n\n> unsubscribe here: ...")) == "unsubscribed"


def test_an_answer_that_only_quotes_our_footer_is_a_reply() -> None:
    assert (
        what(plain(text="> unsubscribe\nWe want the opposite: please do not stop, and how do others unsubscribe?"))
        == "replied"
    )


def test_a_mail_to_the_opt_out_address_is_an_opt_out_whatever_it_says() -> None:
    assert what(plain(FOR_OPT_OUTS, subject="", text="")) == "unsubscribed"


# --- machines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; owner-email=x"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": "1"},
        {"Return_Path": "<>"},
        {"List_Id": "<town.example>"},
        {"X_Auto_Response_Suppress": "All"},
    ],
    ids=str,
)
def test_what_a_machine_sends_is_no_response(headers: dict[str, str]) -> None:
    assert what(plain(cites=OURS, **headers)) == "automatic"


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: hello",
        "Auto-Reply: hello",
        "Out of Office: hello",
        "Out of the office until Monday",
        "OOO until 5 May",
        "自动回复：您好",
        "自动回复: Re: hello",
        "【自动回复】外出",
        "外出通知",
        "休假中，10月8日返回",
        "不在办公室",
        "自動回覆",
        "Abwesenheitsnotiz",
        "Réponse automatique : hello",
    ],
)
def test_out_of_office_in_the_subject_is_no_response(subject: str) -> None:
    assert what(plain(subject=subject, cites=OURS)) == "automatic"


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Out of office furniture",
        "Re: 外出培训方案",
        "Automation for our plant",
        "回复：自动化产线",
        "Authentication question",
    ],
)
def test_what_only_sounds_like_it_is_a_reply(subject: str) -> None:
    assert what(plain(subject=subject, Auto_Submitted="no", X_Auto_Response_Suppress="OOF")) == "replied"


# --- delivery status ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said", "fate"),
    [
        ("5.1.1", "smtp; 550 5.1.1 no such user", "bounced"),
        ("5.1.2", "smtp; 550 no such host", "bounced"),
        ("5.1.10", "smtp; 556 5.1.10 null MX", "bounced"),
        ("5.2.1", "smtp; 550 5.2.1 mailbox disabled", "bounced"),
        ("5.2.2", "smtp; 552 5.2.2 mailbox full", "soft"),
        ("5.2.3", "smtp; 552 5.2.3 too large", "soft"),
        ("4.4.7", "smtp; 451 4.4.7 expired", "soft"),
        ("4.2.2", "smtp; 452 mailbox full", "soft"),
        ("5.7.1", "smtp; 550 5.7.1 blocked", "policy"),
        ("5.7.26", "smtp; 550 5.7.26 unauthenticated", "policy"),
        ("5.7.515", "smtp; 550 5.7.515 access denied", "policy"),
        ("5.0.0", "smtp; 550 5.1.1 unknown user", "bounced"),
        ("5.0.0", "smtp; 550 blocked by spamhaus", "policy"),
        ("5.0.0", "x-unix; terminated", "soft"),
        ("", "smtp; 550 user unknown", "bounced"),
        ("nonsense", "smtp; nonsense", "soft"),
    ],
)  # fmt: skip
def test_a_report_of_failure_says_whose_fault_it_is(status: str, said: str, fate: str) -> None:
    assert what(bounce(status=status, said=said)) == fate


def test_delays_and_deliveries_are_no_failures() -> None:
    assert what(bounce(action="delayed", status="4.4.1", said="smtp; 451 busy")) == "delayed"
    assert what(bounce(action="relayed", status="2.1.9", said="")) == "delivered"


def test_a_report_that_cannot_be_read_blames_no_address() -> None:
    assert what(bounce().replace(b"Action: failed\r\nStatus: 5.1.1\r\n", b"\xff\xfe: \r\n")) == "soft"


def test_a_bounce_brings_back_the_addresses_and_the_id_that_we_gave_the_mail() -> None:
    found = meaning(read_mail(bounce(original=returned(OURS, Reply_To=FOR_REPLIES, Return_Path=f"<{FOR_BOUNCES}>"))))

    assert found.cited == (OURS,)
    assert {token.purpose for token in found.tokens} == {"b", "r"}


@pytest.mark.parametrize(
    ("text", "fate"),
    [
        ("收件人邮箱不存在 550 5.1.1 User unknown", "bounced"),
        ("host said: 550 Mailbox not found", "bounced"),
        ("Remote server: 554 5.7.1 spam message rejected", "policy"),
        ("Mailbox full (452 4.2.2)", "soft"),
    ],
)
def test_a_bounce_for_people_is_understood_by_its_codes(text: str, fate: str) -> None:
    assert what(plain(FOR_BOUNCES, subject="系统退信", text=text, charset="gbk", Return_Path="<>")) == fate


def test_a_bounce_for_people_without_a_code_does_nothing_but_stand_in_the_book() -> None:
    assert what(plain(FOR_BOUNCES, subject="Sorry", text="It did not work", Return_Path="<>")) == "automatic"


def test_a_person_cannot_write_a_bounce() -> None:
    assert what(plain(FOR_BOUNCES, text="550 5.1.1 no such user")) == "replied"


@pytest.mark.parametrize("kind", ["abuse", "fraud", "opt-out"])
def test_a_feedback_report_is_a_complaint(kind: str) -> None:
    assert what(complaint(kind=kind)) == "complained"


def test_a_report_that_it_was_no_spam_is_no_complaint() -> None:
    assert what(complaint(kind="not-spam")) == "automatic"


# --- addresses that prove themselves -----------------------------------------------------------------------------


def test_an_address_finds_its_message_whatever_mail_systems_do_to_its_letters() -> None:
    (token,) = plus_addresses([f'"News" <{FOR_REPLIES.upper()}>', FOR_REPLIES])

    assert read_plus(b"secret", token) == 7
    assert seals(b"secret", token, "key/bait/0")


def test_an_address_is_good_for_its_own_message_and_purpose_only() -> None:
    (reply,) = plus_addresses([FOR_REPLIES])
    opt_out = reply._replace(purpose="u")

    assert not seals(b"secret", reply, "key/bait/1")
    assert not seals(b"secret", opt_out, "key/bait/0")
    assert not seals(b"another secret", reply, "key/bait/0")


def test_every_address_fits_before_the_at_and_looks_different() -> None:
    longest = PlusAddress.of(b"secret", f"{'a' * LONGEST_LOCAL}@example.com")
    made = {longest.make("b", number, f"key/bait/{number}") for number in (0, 1, 2, 2**48 - 1)}

    assert {len(address.partition("@")[0]) for address in made} == {64}
    assert len({address[LONGEST_LOCAL + 2 :][:10] for address in made}) == 4


@pytest.mark.parametrize(
    "address", ["news+x@example.com", f"{'a' * (LONGEST_LOCAL + 1)}@example.com", "邮件@example.com", "x"]
)
def test_an_address_without_room_for_a_token_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="mailbox"):
        PlusAddress.of(b"secret", address)
