"""What the world's mail systems find about a sender, asked of a name server of our own."""

from __future__ import annotations

from typing import Any

import pytest

from nurture.channels.standing import Sending, judged, resolver
from nurture.testing.dns import Names

GOOD = {
    "acme.cn TXT": ['"v=spf1 include:relay.cn -all"', '"some other text"'],
    "relay.cn TXT": ['"v=spf1 ip4:192.0.2.1 -all"'],
    "s1._domainkey.acme.cn TXT": ['"v=DKIM1; k=rsa; p=' + "A" * 200 + '" "' + "A" * 192 + '"'],
    "_dmarc.acme.cn TXT": ['"v=DMARC1; p=quarantine"'],
    "acme.cn MX": ["10 mx.acme.cn."],
    "smtp.relay.cn A": ["192.0.2.1"],
    "1.2.0.192.in-addr.arpa PTR": ["smtp.relay.cn."],
}
SENDING = Sending("acme.cn", "acme.cn", selector="s1", relay="smtp.relay.cn")


def found(changes: dict[str, list[str]], **sending: Any) -> dict[str, tuple[str, str]]:
    """What was looked at to (state, what was said)."""
    from dataclasses import replace

    with Names({**GOOD, **changes}) as names:
        return {one.what: (one.state, one.said) for one in judged(replace(SENDING, **sending), resolver(names.where))}


def test_a_sender_in_order_is_found_in_order() -> None:
    assert {what: state for what, (state, _) in found({}).items()} == dict.fromkeys(
        ("SPF", "DKIM", "DMARC", "alignment", "MX", "relay"), "ok"
    )


@pytest.mark.parametrize(
    ("what", "state", "changes", "sending", "said"),
    [
        ("SPF", "alarm", {"acme.cn TXT": ['"nothing"']}, {}, "does not say who may send"),
        ("SPF", "alarm", {"acme.cn TXT": ['"v=spf1 -all"', '"v=spf1 ~all"']}, {}, "2 SPF records"),
        ("SPF", "alarm", {"acme.cn TXT": ['"v=spf1 +all"']}, {}, "lets everybody"),
        ("SPF", "alarm", {"acme.cn TXT": ['"v=spf1 ' + " ".join(f"a:h{n}.cn" for n in range(11)) + ' -all"']}, {}, "this takes 11"),
        ("SPF", "alarm", {"relay.cn TXT": ['"v=spf1 include:acme.cn ' + "mx " * 10 + '-all"']}, {}, "receivers give up"),
        ("SPF", "warning", {"acme.cn TXT": ['"v=spf1 ip4:192.0.2.1"']}, {}, "nothing about all others"),
        ("DKIM", "warning", {}, {"selector": ""}, "which selector"),
        ("DKIM", "alarm", {}, {"selector": "s2"}, "there is no key"),
        ("DKIM", "alarm", {"s1._domainkey.acme.cn TXT": ['"v=DKIM1; p="']}, {}, "revoked"),
        ("DKIM", "alarm", {}, {"public_key": "B" * 392}, "not the one that signs here"),
        ("DKIM", "alarm", {"s1._domainkey.acme.cn TXT": ['"v=DKIM1; p=' + "A" * 126 + '=="']}, {}, "512 bits"),
        ("DMARC", "alarm", {"_dmarc.acme.cn TXT": []}, {}, "no DMARC policy"),
        ("DMARC", "alarm", {"_dmarc.acme.cn TXT": ['"v=DMARC1; p=maybe"']}, {}, "no policy p="),
        ("DMARC", "alarm", {"_dmarc.acme.cn TXT": ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"']}, {}, "none counts"),
        ("DMARC", "ok", {}, {"domain": "news.acme.cn"}, "_dmarc.acme.cn: p=quarantine"),
        ("alignment", "alarm", {}, {"bounces": "relay.cn", "signs_as": "relay.cn"}, "neither"),
        ("alignment", "ok", {}, {"bounces": "relay.cn", "signs_as": "mail.acme.cn"}, "by DKIM"),
        ("alignment", "alarm", {"_dmarc.acme.cn TXT": ['"v=DMARC1; p=none; adkim=s; aspf=s"']},
         {"bounces": "b.acme.cn", "signs_as": "mail.acme.cn"}, "neither"),
        ("alignment", "warning", {}, {"selector": ""}, "by SPF alone"),
        ("MX", "alarm", {"acme.cn MX": ["0 ."]}, {}, "takes no mail"),
        ("MX", "alarm", {"acme.cn MX": []}, {}, "no mail can reach"),
        ("relay", "warning", {"1.2.0.192.in-addr.arpa PTR": ["other.cn."]}, {}, "no name that leads back"),
    ],
)  # fmt: skip
def test_what_is_not_in_order_is_named(
    what: str, state: str, changes: dict[str, list[str]], sending: dict[str, Any], said: str
) -> None:
    told = found(changes, **sending)

    assert told[what][0] == state
    assert said in told[what][1]


def test_a_name_server_that_fails_leaves_things_unknown_and_alarms_nobody() -> None:
    with Names(GOOD) as names:
        names.silent = True
        told = {one.what: (one.state, one.said) for one in judged(SENDING, resolver(names.where))}

    assert {state for state, _ in told.values()} == {"warning"}
    assert all(said.startswith("not known: ") for _, said in told.values())


def test_records_that_include_each_other_come_to_an_end() -> None:
    circle = {"a.cn TXT": ['"v=spf1 include:b.cn -all"'], "b.cn TXT": ['"v=spf1 include:a.cn -all"']}

    assert found(circle, bounces="a.cn")["SPF"][0] in ("ok", "alarm")


@pytest.mark.parametrize("where", ["127.0.0.1:dns", "name.example:53:x"])
def test_a_resolver_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(ValueError, match=r"resolver|address"):
        resolver(where)
