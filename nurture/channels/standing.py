"""How the world's mail systems see a sender's domain: what its DNS says about who may send for it, and who has signed.

SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489) with its alignment, MX, and the relay's own name. Asked of DNS, judged here;
what DNS cannot be asked at the moment is not known, which is no failure.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import dns.exception
import dns.resolver
import dns.reversename

__all__ = ["Judged", "Sending", "judged", "resolver"]

PATIENCE = 5.0
MOST_LOOKUPS = 10
"""So many DNS questions may an SPF record cost a receiver; above it, SPF fails."""
SHORTEST_KEY = 1024

State = Literal["ok", "warning", "alarm"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One thing that was looked at."""

    what: Literal["SPF", "DKIM", "DMARC", "alignment", "MX", "relay"]
    state: State
    said: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Sending:
    """How mail leaves here."""

    domain: str
    """Of the From address."""
    bounces: str
    """The domain of the envelope's sender, which SPF is about."""
    selector: str = ""
    """Under which the DKIM key is published; '' when nobody has said."""
    signs_as: str = ""
    """The domain in our own signatures; '' where the relay signs."""
    public_key: str = ""
    """Of our own key (base64), to compare with what is published."""
    relay: str = ""
    """The host that we hand mails to; '' for none, or this machine."""


class _Unknown(Exception):
    """DNS did not answer."""


def resolver(where: str = "") -> dns.resolver.Resolver:
    """The system's resolver, or the one at `address` or `address:port`. Raises `ValueError`."""
    if not where:
        try:
            made = dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration as error:
            raise ValueError(f"this machine knows no DNS resolver: {error}") from None
    else:
        host, colon, port = where.rpartition(":")
        if not colon or "]" in port or (":" in host and not host.startswith("[")):
            host, port = where, "53"
        made = dns.resolver.Resolver(configure=False)
        if not port.isdigit():
            raise ValueError(f"a resolver is an address, or address:port, not {where!r}")
        made.nameservers = [host.strip("[]")]
        made.port = int(port)
    made.lifetime = made.timeout = PATIENCE
    return made


def judged(sending: Sending, ask: dns.resolver.Resolver) -> Iterator[Judged]:
    """All that can be said about this way of sending. Never raises for what DNS does."""
    for look in (_spf, _dkim, _dmarc, _mx, _relay):
        try:
            yield from look(sending, ask)
        except _Unknown as unknown:
            name: dict[object, Literal["SPF", "DKIM", "DMARC", "MX", "relay"]] = {
                _spf: "SPF", _dkim: "DKIM", _dmarc: "DMARC", _mx: "MX", _relay: "relay",
            }  # fmt: skip
            yield Judged(name[look], "warning", f"not known: {unknown}", "is this machine's DNS working?")


def _ask(ask: dns.resolver.Resolver, name: str, kind: str) -> list[str]:
    """The answers as text; none where there is nothing. Raises `_Unknown`."""
    try:
        answer = ask.resolve(name, kind, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return []
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        raise _Unknown(f"DNS did not answer for {name} ({type(error).__name__})") from None
    if kind == "TXT":
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    return [record.to_text() for record in answer]


# -- SPF ------------------------------------------------------------------------------------------------------------


def _spf(sending: Sending, ask: dns.resolver.Resolver) -> Iterator[Judged]:
    domain = sending.bounces
    records = [text for text in _ask(ask, domain, "TXT") if re.match(r"v=spf1(\s|$)", text, re.IGNORECASE)]
    if not records:
        yield Judged("SPF", "alarm", f"{domain} does not say who may send for it", f"publish a TXT record at {domain}: v=spf1 include:YOUR-RELAY -all")  # fmt: skip
        return
    if len(records) > 1:
        yield Judged(
            "SPF", "alarm", f"{domain} has {len(records)} SPF records, and only one counts as any", "join them into one"
        )
        return
    (record,) = records
    lookups = _lookups(record, domain, ask, set())
    if lookups > MOST_LOOKUPS:
        yield Judged("SPF", "alarm", f"{domain}: receivers give up after {MOST_LOOKUPS} questions, and this takes {lookups}", "include less")  # fmt: skip
        return
    ends = next((term for term in record.lower().split()[1:] if term.lstrip("+-~?") == "all"), "")
    if ends in ("all", "+all"):
        yield Judged("SPF", "alarm", f"{domain}: {ends} lets everybody send for you", "end it with -all or ~all")
    elif ends in ("-all", "~all") or "redirect=" in record.lower():
        yield Judged("SPF", "ok", f"{domain}: {record[:200]}")
    else:
        yield Judged("SPF", "warning", f"{domain}: it says nothing about all others", "end it with -all or ~all")


def _lookups(record: str, domain: str, ask: dns.resolver.Resolver, seen: set[str]) -> int:
    """How many DNS questions a receiver has to ask for this record."""
    count = 0
    for term in record.split()[1:]:
        name, _, value = term.lstrip("+-~?").partition("=" if "redirect=" in term.lower() else ":")
        name = name.partition("/")[0].lower()
        if name not in ("include", "a", "mx", "ptr", "exists", "redirect"):
            continue
        count += 1
        if (
            name in ("include", "redirect")
            and value
            and "%" not in value
            and value not in seen
            and count <= MOST_LOOKUPS
        ):
            seen.add(value)
            for inner in _ask(ask, value, "TXT"):
                if inner.lower().startswith("v=spf1"):
                    count += _lookups(inner, value, ask, seen)
    return count


# -- DKIM -----------------------------------------------------------------------------------------------------------


def _dkim(sending: Sending, ask: dns.resolver.Resolver) -> Iterator[Judged]:
    domain = sending.signs_as or sending.domain
    if not sending.selector:
        yield Judged("DKIM", "warning", "nobody has said under which selector the relay signs", "set NURTURE_DKIM_SELECTOR, also where the relay signs")  # fmt: skip
        return
    name = f"{sending.selector}._domainkey.{domain}"
    records = _ask(ask, name, "TXT")
    if not records:
        yield Judged("DKIM", "alarm", f"there is no key at {name}", "publish the public key there as a TXT record")
        return
    tags = _tags(records[0])
    key = re.sub(r"\s", "", tags.get("p", ""))
    if not key:
        yield Judged("DKIM", "alarm", f"the key at {name} is revoked, or not there", "publish p= with the public key")
    elif sending.public_key and key != sending.public_key:
        yield Judged("DKIM", "alarm", f"the key at {name} is not the one that signs here", "publish the one that does")
    elif tags.get("k", "rsa") == "rsa" and (bits := _rsa_bits(key)) is not None and bits < SHORTEST_KEY:
        yield Judged("DKIM", "alarm", f"the key at {name} has {bits} bits, and receivers take {SHORTEST_KEY} or more", "make one of 2048 bits")  # fmt: skip
    else:
        yield Judged("DKIM", "ok", f"a key is published at {name}")


def _rsa_bits(key: str) -> int | None:
    """About how many bits an RSA key has; None where it cannot be told."""
    try:
        size = len(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        return None
    # The wrapping of a public key takes 34 to 38 octets.
    return (size - 30) // 32 * 256 if size > 60 else size * 8


# -- DMARC ----------------------------------------------------------------------------------------------------------


def _dmarc(sending: Sending, ask: dns.resolver.Resolver) -> Iterator[Judged]:
    record, at = "", ""
    for domain in _parents(sending.domain):
        found = [text for text in _ask(ask, f"_dmarc.{domain}", "TXT") if text.lower().startswith("v=dmarc1")]
        if len(found) > 1:
            yield Judged("DMARC", "alarm", f"_dmarc.{domain} has {len(found)} records, so none counts", "leave one")
            return
        if found:
            record, at = found[0], domain
            break
    if not record:
        yield Judged("DMARC", "alarm", f"{sending.domain} has no DMARC policy, and large mail systems ask for one", f"publish a TXT record at _dmarc.{sending.domain}: v=DMARC1; p=none; rua=mailto:...")  # fmt: skip
        return
    tags = _tags(record)
    policy = tags.get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        yield Judged("DMARC", "alarm", f"_dmarc.{at} has no policy p=", "p= is none, quarantine or reject")
        return
    yield Judged("DMARC", "ok", f"_dmarc.{at}: p={policy}")
    spf = _aligned(sending.domain, sending.bounces, strict=tags.get("aspf", "r") == "s")
    signer = sending.signs_as or (sending.domain if sending.selector else "")
    dkim = bool(signer) and _aligned(sending.domain, signer, strict=tags.get("adkim", "r") == "s")
    if not spf and not dkim:
        said = f"neither bounces ({sending.bounces}) nor signatures ({signer or 'none known'}) are of {sending.domain}"
        yield Judged("alignment", "alarm", said, "send from the domain that SPF or DKIM speaks for")
    elif not dkim:
        yield Judged("alignment", "warning", "by SPF alone, which a forwarded mail loses", "sign with DKIM as well")
    else:
        yield Judged("alignment", "ok", "by DKIM and SPF" if spf else "by DKIM")


def _parents(domain: str) -> Iterator[str]:
    """The domain, and those above it down to two labels: where a policy may stand."""
    labels = domain.split(".")
    for n in range(len(labels) - 1):
        yield ".".join(labels[n:])


def _aligned(domain: str, other: str, *, strict: bool) -> bool:
    one, two = domain.lower(), other.lower()
    return one == two or (not strict and (one.endswith(f".{two}") or two.endswith(f".{one}") or _org(one) == _org(two)))


_SECOND = frozenset("ac co com edu gov net org".split())


def _org(domain: str) -> str:
    """The registered domain, as far as a short look tells: three labels under .com.cn and its like, else two."""
    labels = domain.split(".")
    return ".".join(labels[-3:] if len(labels) > 2 and labels[-2] in _SECOND and len(labels[-1]) == 2 else labels[-2:])


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


# -- the way in, and the way out ------------------------------------------------------------------------------------


def _mx(sending: Sending, ask: dns.resolver.Resolver) -> Iterator[Judged]:
    domain = sending.bounces
    found = _ask(ask, domain, "MX")
    if any(text.split()[-1] == "." for text in found):
        yield Judged(
            "MX",
            "alarm",
            f"{domain} says that it takes no mail, so answers and bounces are lost",
            "publish an MX record",
        )
    elif found or _ask(ask, domain, "A") or _ask(ask, domain, "AAAA"):
        yield Judged("MX", "ok", f"{domain} takes answers and bounces")
    else:
        yield Judged(
            "MX", "alarm", f"no mail can reach {domain}, so answers and bounces are lost", "publish an MX record"
        )


def _relay(sending: Sending, ask: dns.resolver.Resolver) -> Iterator[Judged]:
    if not sending.relay:
        return
    addresses = _ask(ask, sending.relay, "A")
    if not addresses:
        return  # `nurture doctor` says by itself when the relay does not answer
    for address in addresses[:3]:
        names = [name.rstrip(".") for name in _ask(ask, str(dns.reversename.from_address(address)), "PTR")]
        if not any(address in _ask(ask, name, "A") for name in names[:3]):
            said = f"{sending.relay} ({address}) has no name that leads back to it"
            yield Judged(
                "relay", "warning", said, "harmless where it hands on to another host; else have a PTR record set"
            )
            return
    yield Judged("relay", "ok", f"{sending.relay} has a name that leads back to it")
