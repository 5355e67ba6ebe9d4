"""The picture and the links of a mail: what they answer, what they tell, and what nobody can make them do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from nurture import tokens
from nurture.content.links import followable
from nurture.store.hits import NewHit
from nurture.tokens import Keyring
from nurture.web.lead import buffer as buffers
from nurture.web.lead.buffer import Buffer
from nurture.web.lead.tracking import PICTURE
from nurture.web.lead.visitor import visitor
from tests.web import doorstep as scene
from tests.web.doorstep import ADA, LATER, Doorstep, doorstep


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Doorstep]:
    with doorstep(tmp_path) as made:
        yield made


def waiting(door: Doorstep) -> int:
    door.buffer.flush()
    with door.engine.store.read() as tx:
        return int(tx.value("SELECT COUNT(*) FROM hits"))


def test_a_link_leads_where_the_published_mail_says_and_is_a_click(door: Doorstep) -> None:
    answer = door.ask("GET", door.links()["paper"])
    door.after(minutes=2)

    assert (answer.status_code, answer.headers["location"]) == (302, "https://www.example.com/paper?a=1&b=2")
    assert door.heard() == [("clicked", "human", "bait")]


def test_the_picture_is_a_look_and_weak(door: Doorstep) -> None:
    answer = door.ask("GET", door.links()["picture"])
    door.after(minutes=2)

    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PICTURE, "image/gif")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    [signal] = door.engine.history(ADA)["signals"]
    assert signal["because"] == "weak: a picture was loaded"


def test_the_text_of_the_mail_leads_through_us_too_and_what_differs_by_lead_does_not(door: Doorstep) -> None:
    links = door.links()

    assert links["paper"] in links["text"]
    assert "https://www.example.com/course" not in links["text"] + links["html"]
    assert links["for"] == "https://www.example.com/for/Ada"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"purpose": "prefetch"}),
        ("GET", {"sec-purpose": "prefetch;prerender"}),
        ("GET", {"x-moz": "prefetch"}),
        ("GET", {"x-purpose": "preview"}),
    ],
)
@pytest.mark.parametrize("name", ["paper", "picture", "trap", "view", "unsubscribe", "form", "preferences"])
def test_who_only_looks_ahead_gets_the_answer_and_tells_nothing(
    door: Doorstep, name: str, method: str, headers: dict[str, str]
) -> None:
    answer = door.ask(method, door.links()[name], headers=headers)

    assert answer.status_code == {"paper": 302, "trap": 404}.get(name, 200)
    assert (answer.content == b"") == (method == "HEAD" or name == "paper")
    assert waiting(door) == 0


def test_a_scanner_that_follows_everything_is_heard_and_not_believed(door: Doorstep) -> None:
    links = door.links()
    for name in ("picture", "paper", "course", "trap", "form", "view", "unsubscribe", "preferences"):
        door.ask("GET", links[name])
    door.after(minutes=2)

    assert {confidence for _, confidence, _ in door.heard()} == {"machine"}
    assert sorted(kind for kind, _, _ in door.heard()) == ["clicked", "clicked", "clicked", "viewed", "viewed"]
    door.engine.tick(LATER, until=LATER + timedelta(days=4))
    steps = door.engine.history(ADA)["enrollments"][0]["steps"]
    assert [step["outcome"] for step in steps] == ["sent", "no"]
    assert "not counted: clicked by a machine" in steps[1]["because"]


def test_a_person_after_a_scanner_still_counts(door: Doorstep) -> None:
    links = door.links()
    for name in ("picture", "paper", "course", "trap"):
        door.ask("GET", links[name], headers={"x-forwarded-for": "203.0.113.9"})
    door.after(hours=2)
    door.ask("GET", links["paper"])
    door.after(minutes=2)

    door.engine.tick(door.now)

    assert [step["outcome"] for step in door.engine.history(ADA)["enrollments"][0]["steps"]] == [
        "sent",
        "yes",
        "next",
    ]


def test_no_form_of_the_query_leads_anywhere_else(door: Doorstep) -> None:
    good = door.links()["paper"]

    for more in ("?url=https://evil.example", "?u=//evil.example", "#@evil.example", "?next=javascript:alert(1)"):
        assert door.ask("GET", good + more).headers["location"] == "https://www.example.com/paper?a=1&b=2"
    for path in (
        "/c///evil.example",
        "/c/https://evil.example",
        "/c/\\evil.example",
        "/c/%0d%0aLocation:%20https://evil.example",
    ):
        answer = door.ask("GET", path)
        assert answer.status_code == 404
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://www.example.com/a?b=c#d", True),
        ("http://xn--fiqs8s.example:8080/", True),
        ("//evil.example", False),
        ("javascript:alert(1)", False),
        ("https://good.example@evil.example/", False),
        ("https://good.example\\@evil.example/", False),
        ("https://good.example/\r\nSet-Cookie: a=b", False),
        ("https://例子.example/", False),
        ("https://", False),
        ("data:text/html,hello", False),
    ],
)
def test_a_link_that_could_pass_for_another_is_not_led_through_us(url: str, may: bool) -> None:
    assert followable(url) is may


@pytest.mark.parametrize("count", [50_000])
def test_nobody_guesses_a_token(count: int) -> None:
    """Bit flips, swapped purposes, cut and lengthened ones, other keys, pure chance. A million of them every night."""
    assert guessed(count) == 0


def guessed(count: int) -> int:
    """How many of so many forged tokens were taken."""
    keys = Keyring(b"the secret of the house", {"b": b"another secret of it"})
    purposes: tuple[tokens.Purpose, ...] = ("open", "click", "trap", "view", "unsubscribe", "preferences", "form")
    taken = 0
    for n in range(count):
        purpose = purposes[n % 7]
        good = keys.sign(purpose, f"{n:016d}/bait/0")
        kind = n % 6
        if kind == 0:
            at = 2 + n % (len(good) - 2)
            token = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        elif kind == 1:
            token, purpose = good, purposes[(n + 1 + n // 7 % 5) % 7]
            purpose = (
                purposes[(purposes.index(purpose) + 1) % 7]
                if good == keys.sign(purpose, f"{n:016d}/bait/0")
                else purpose
            )
        elif kind == 2:
            token = good[: -1 - n % 20]
        elif kind == 3:
            token = good + "AAAA"[: 1 + n % 4]
        elif kind == 4:
            token = Keyring(b"not the secret of the house", {"b": b"nor this"}).sign(purpose, f"{n:016d}/bait/0")
        else:
            token = secrets.token_urlsafe(20 + n % 40)
        taken += keys.read(purpose, token) is not None
    return taken


@pytest.mark.parametrize("page", ["o", "c", "t"])
def test_a_bad_token_is_answered_alike_and_leaves_no_row(door: Doorstep, page: str) -> None:
    good = door.links()["paper"].rpartition("/")[2]
    bad = ["x", "", good[:-3], good[1:], good + "A", "é" * 10, "A" * 30_000, "..%2F..%2Fetc", "%00", "b." + good]
    answers = [door.ask("GET", f"/{page}/{token}") for token in bad]

    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert waiting(door) == 0


def test_a_token_that_tells_of_a_look_can_stop_nothing_and_show_nothing(door: Doorstep) -> None:
    links = door.links()

    for seen in ("picture", "paper", "trap"):
        token = links[seen].rpartition("/")[2]
        for page in ("unsubscribe", "preferences", "view", "form"):
            assert door.ask("GET", f"/{page}/{token}").status_code == 404
            assert door.ask(
                "POST", f"/{page}/{token}", headers={"content-type": "application/x-www-form-urlencoded"}
            ).status_code in (404, 405)
    assert door.heard() == []


def test_links_outlive_a_change_of_keys_until_their_key_is_retired(tmp_path: Path) -> None:
    with doorstep(tmp_path) as door:
        link = door.links()["paper"]
        secret = door.engine.secret
    for keys, taken in (
        ("b:a new secret of the house", True),
        ("c:a newer secret of the house,b:a new secret of the house", True),
        ("b:a new secret of the house,-", False),
    ):
        ring = Keyring.parse(secret, keys)
        assert (ring.read("click", link.rpartition("/")[2]) is not None) is taken
        assert ring.sign("click", "x").startswith(keys[:2].replace(":", "."))
        assert ring.read("click", ring.sign("click", "x")) == "x"


@pytest.mark.parametrize(
    "text", ["secret", "b:short", "b:0123456789abcdef,b:0123456789abcdef", "-", "B:0123456789abcdef"]
)
def test_keys_that_are_none_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        Keyring.parse(b"own", text)

    assert "0123456789abcdef" not in str(refused.value)


def hit(n: int, *, message: int = 0, source: str = "x") -> NewHit:
    return NewHit(f"{message:016d}", "bait", 0, "viewed", "", n, source, "")


def test_what_is_too_much_is_counted_and_not_kept(door: Doorstep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "MOST", 2_000)
    buffer = Buffer(door.engine.store)

    for n in range(200):
        buffer.add(hit(n, source=str(n)))
    for n in range(3_000):
        buffer.add(hit(n, message=n + 1))
    for n in range(3_000):
        buffer.add(hit(n, message=n + 1, source=str(n)))

    assert buffer.dropped["message"] == 140
    assert buffer.dropped["source"] == 1_800
    assert buffer.dropped["full"] > 0
    assert len(buffer._waiting) == 2_000


def test_a_minute_later_there_is_room_again(door: Doorstep) -> None:
    taken = [door.buffer.add(hit(minute * 60_000_000 + n)) for minute in (1, 2) for n in range(100)]

    assert sum(taken) == 120


def test_what_the_database_did_not_take_goes_on_waiting(door: Doorstep, monkeypatch: pytest.MonkeyPatch) -> None:
    door.ask("GET", door.links()["paper"])
    with monkeypatch.context() as broken:
        broken.setattr(door.engine.store, "write", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            door.buffer.flush()

    assert door.buffer.flush() == 1


def test_a_request_while_the_mail_is_still_being_sent_counts(door: Doorstep) -> None:
    """Between the relay's 250 and our own verdict somebody clicks: the message was started, and that is enough."""
    with door.engine.store.write() as tx:
        tx.run("UPDATE touches SET settled_at = settled_at + 120000000, started_at = started_at")
    door.now = LATER.replace(hour=2, minute=1)
    door.ask("GET", door.links()["paper"])
    door.after(minutes=3)

    door.engine.tick(door.now)

    assert door.heard() == [("clicked", "human", "bait")]
    steps = door.engine.history(ADA)["enrollments"][0]["steps"]
    assert steps[1]["outcome"] == "yes"


@pytest.mark.parametrize(
    ("settings", "mail", "followed"),
    [
        ({}, "", True),
        ({}, "Tracking: off\n", False),
        ({"tracking": "off"}, "", False),
        ({"public_url": "http://127.0.0.1:8765"}, "", False),
        ({"public_url": "http://127.0.0.1:8765", "tracking": "on"}, "", True),
    ],
)
def test_nobody_is_followed_where_somebody_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], mail: str, followed: bool
) -> None:
    monkeypatch.setattr(scene, "MAIL", scene.MAIL.replace("Subject: A paper\n", f"Subject: A paper\n{mail}"))
    with doorstep(tmp_path, **settings) as door:
        [file] = (door.engine.settings.home / "outbox").glob("*.eml")
        html = message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("html",)).get_content()  # type: ignore[union-attr]  # it has one

    assert ("<img" in html) is followed
    assert ("https://www.example.com/course" in html) is not followed


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("203.0.113.9", "203.0.113.8", False),
    ],
)
def test_whoever_has_a_whole_network_is_in_one_place(one: str, other: str, same: bool) -> None:
    def place(address: str) -> str:
        return visitor({"type": "http", "client": (address, 1), "headers": []}, b"secret").source

    assert (place(one) == place(other)) is same
