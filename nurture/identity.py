"""Who is who: normalised identities, the keys derived from them, and chance as a hash.

An identity is accepted as it is or rejected with a code; it is never repaired. Two spellings are one person when their
keys are equal: case, width (`ａ@b.com`), the form of an international domain and a trailing dot make no difference,
`a+tag@` and dots do.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple, Protocol

import idna
from email_validator import EmailNotValidError, validate_email

__all__ = [
    "Address",
    "BadIdentity",
    "Identified",
    "IdentityKind",
    "LeadRef",
    "address_hash",
    "dice",
    "enrollment_key",
    "every_hash",
    "every_identity",
    "flags",
    "lead_key",
    "letters",
    "normalise_email",
    "normalise_id",
    "normalise_phone",
    "normalise_wechat",
]

IdentityKind = Literal["email", "id", "phone", "wechat"]

LONGEST_LOCAL, LONGEST_DOMAIN, LONGEST_ADDRESS, LONGEST_ID = 64, 253, 254, 128
NO_MAIL_GOES_THERE = frozenset({"arpa", "internal", "invalid", "local", "localdomain", "localhost", "onion"})
ROLES = frozenset(
    "abuse admin billing contact help hostmaster hr info mail marketing no-reply noreply office postmaster sales"
    " service support webmaster".split()
)

# The address nearly everybody has. What this pattern takes, the long way takes with the same key (a test holds both
# against each other); what it leaves, the long way judges.
_plain = re.compile(
    r"(?=[^@]{1,64}@)(?=.{6,254}\Z)"
    r"[a-z0-9_](?:[a-z0-9_+'-]|\.(?=[a-z0-9_+'-]))*+"
    r"@(?:(?![^.]{64})[a-z0-9](?:-?[a-z0-9])*\.)+"
    rf"(?!(?:{'|'.join(sorted(NO_MAIL_GOES_THERE))})\Z)[a-z]{{2,24}}"
).fullmatch
_number_mangled = re.compile(r"[+-]?\d+(?:[.,]\d*)?e[+-]?\d+|\d+\.\d*", re.IGNORECASE).fullmatch
_ipv4 = re.compile(r"[\d.]+").fullmatch
_phone = re.compile(r"\+?[\d\s().·/-]+").fullmatch
_not_digits = re.compile(r"\D+")
_wechat = re.compile(r"[A-Za-z0-9_@.-]{4,128}").fullmatch
_lead_ref = re.compile(r"(email|id|phone|wechat):(.*)", re.DOTALL).fullmatch
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class BadIdentity(ValueError):
    """This text identifies nobody. `code` is stable, `what` is for people."""

    def __init__(self, code: str, what: str) -> None:
        self.code = code
        self.what = what
        super().__init__(what)


class Address(NamedTuple):
    """An identity: as it is shown and mailed to, and the key by which two of them are the same."""

    display: str
    """As written, but without space around it, full-width letters or a trailing dot."""
    key: str


# -- e-mail ---------------------------------------------------------------------------------------------------------


def normalise_email(text: str) -> Address:
    """The address in this text, or `BadIdentity`."""
    key = text.lower()
    if text.isascii() and _plain(key):
        return Address(text, key)
    return _normalise_email_slowly(text)


def _normalise_email_slowly(text: str) -> Address:
    # Cells of a file are at most 32 KB, so normalising before measuring is safe.
    display = unicodedata.normalize("NFKC", text).strip()
    _no_hidden(display, "e-mail address")
    local, domain = _split(display)
    if domain.endswith("."):
        domain = domain[:-1]
        display = display[:-1]
    ascii_domain = _ascii_domain(domain)
    key_local = unicodedata.normalize("NFKC", local.lower())
    for form in (local, key_local):
        if len(form.encode()) > LONGEST_LOCAL:
            raise BadIdentity("local_too_long", f"the part before the @ is longer than {LONGEST_LOCAL} bytes")
    key = f"{key_local}@{ascii_domain}"
    if len(key.encode()) > LONGEST_ADDRESS:
        raise BadIdentity("too_long", f"the address is longer than {LONGEST_ADDRESS} bytes")
    try:
        # `test_environment` lets .test through, which is reserved for what its name says.
        validate_email(key, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise BadIdentity("bad_email", f"not an e-mail address: {error}") from None
    return Address(display, key)


def _split(address: str) -> tuple[str, str]:
    """Local part and domain of an address that looks like exactly one."""
    if not address:
        raise BadIdentity("no_email", "the e-mail address is empty")
    if address.startswith(('"', "'")) or '"@' in address:
        raise BadIdentity("quoted_local", "addresses with quotes are not supported")
    if "," in address or ";" in address:
        raise BadIdentity("several_addresses", "more than one address in one cell")
    if any(char.isspace() for char in address):
        raise BadIdentity("space", "a space inside the e-mail address")
    if "@" not in address:
        raise BadIdentity("no_at", "an e-mail address needs an @")
    local, _, domain = address.partition("@")
    if "@" in domain:
        raise BadIdentity("two_at", "an e-mail address has one @ only")
    if not local or not domain:
        raise BadIdentity("bad_email", "something is missing before or after the @")
    if local[0] in "=+-":
        # A formula, or an option for some other program: nobody's address begins like this.
        raise BadIdentity("formula", f"an address does not begin with {local[0]!r}")
    if local.startswith(".") or local.endswith(".") or ".." in address or domain.startswith("."):
        raise BadIdentity("dots", "a dot too many in the e-mail address")
    return local, domain


def _ascii_domain(domain: str) -> str:
    """The domain as DNS knows it: lower case, international labels encoded by IDNA 2008."""
    if domain.startswith("[") or (_ipv4(domain) and domain.count(".") == 3):
        raise BadIdentity("ip_literal", "an IP address instead of a domain")
    lower = unicodedata.normalize("NFKC", domain.lower())
    try:
        # Decoding first makes `xn--...` and the letters it stands for one and the same, and refuses false ones.
        encoded = idna.encode(idna.decode(lower)).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise BadIdentity("bad_domain", f"the domain is not valid: {error}") from None
    if "." not in encoded:
        raise BadIdentity("local_domain", "the domain has no dot, so nobody outside can be meant")
    if len(encoded) > LONGEST_DOMAIN:
        raise BadIdentity("bad_domain", f"the domain is longer than {LONGEST_DOMAIN} characters")
    top = encoded.rpartition(".")[2]
    if top in NO_MAIL_GOES_THERE:
        raise BadIdentity("local_domain", f"no mail goes to .{top}")
    if top.isdigit():
        raise BadIdentity("bad_domain", "a domain does not end with a number")
    return encoded


def flags(email_key: str) -> tuple[str, ...]:
    """What a person should know about an accepted e-mail address: `confusable`, `role`, `subaddress`."""
    local, _, domain = email_key.partition("@")
    if local not in ROLES and "+" not in local and "xn--" not in domain:
        return ()
    found = []
    if "xn--" in domain and _confusable(idna.decode(domain)):
        found.append("confusable")
    if local in ROLES:
        found.append("role")
    if "+" in local:
        # Another lead than the address without the tag, and probably the same person.
        found.append("subaddress")
    return tuple(found)


# Cyrillic and Greek letters that pass for Latin ones.
_LOOKALIKES = frozenset("асеорхуіјѕһԁԛԝѵαοορνικυ")


def _confusable(domain: str) -> bool:
    for label in domain.split("."):
        scripts = {unicodedata.name(char, "").partition(" ")[0] for char in label if char.isalpha()}
        foreign = scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}
        if foreign and ("LATIN" in scripts or all(char in _LOOKALIKES for char in label if char.isalpha())):
            return True
    return False


# -- other identities -----------------------------------------------------------------------------------------------


def normalise_phone(text: str) -> Address:
    """A phone number. The key is `+` and digits where the country is known (`+`, `00`, a Chinese mobile), else digits.

    A number that a spreadsheet has turned into `1.38E+10` is rejected: its last digits may be gone.
    """
    display = unicodedata.normalize("NFKC", text).strip()
    _no_hidden(display, "phone number")
    _not_mangled(display, "phone number")
    if not _phone(display):
        raise BadIdentity("bad_phone", "a phone number is digits, with a + in front at most")
    digits = _not_digits.sub("", display)
    known = display.startswith("+")
    if not known and digits.startswith("00"):
        digits, known = digits[2:], True
    if not known and len(digits) == 13 and digits.startswith("861"):
        known = True
    if not known and len(digits) == 11 and digits[0] == "1" and digits[1] in "3456789":
        digits, known = f"86{digits}", True
    if not 5 <= len(digits) <= 15:
        raise BadIdentity("bad_phone", "a phone number has 5 to 15 digits")
    return Address(display, f"+{digits}" if known else digits)


def normalise_wechat(text: str) -> Address:
    """A WeChat open id, union id or user id. Case matters in it, so display and key are the same."""
    value = text.strip()
    _not_mangled(value, "WeChat id")
    if not _wechat(value):
        raise BadIdentity("bad_wechat", "a WeChat id is 4 to 128 letters, digits, or _ - . @")
    return Address(value, value)


def normalise_id(text: str) -> Address:
    """The id that another system gave the lead, taken as it is."""
    value = unicodedata.normalize("NFKC", text).strip()
    if not value:
        raise BadIdentity("bad_id", "the id is empty")
    if len(value) > LONGEST_ID:
        raise BadIdentity("bad_id", f"the id is longer than {LONGEST_ID} characters")
    _no_hidden(value, "id")
    _not_mangled(value, "id")
    return Address(value, value)


def _no_hidden(text: str, what: str) -> None:
    if not text.isprintable():
        for char in text:
            if unicodedata.category(char) in _HIDDEN:
                raise BadIdentity("hidden_character", f"the {what} holds an invisible character, U+{ord(char):04X}")


def _not_mangled(text: str, what: str) -> None:
    if _number_mangled(text):
        raise BadIdentity("number_mangled", f"the {what} was turned into a number; export that column as text")


# -- references and keys --------------------------------------------------------------------------------------------

_NORMALISE = {
    "email": normalise_email,
    "id": normalise_id,
    "phone": normalise_phone,
    "wechat": normalise_wechat,
}


@dataclass(frozen=True, slots=True)
class LeadRef:
    """How a person names a lead: an e-mail address, or `id:...`, `phone:...`, `wechat:...`."""

    kind: IdentityKind
    key: str

    @classmethod
    def parse(cls, text: str) -> LeadRef:
        """`ada@x.com`, `id:4563`, `phone:+8613800138000`, `wechat:oABC`. Raises `BadIdentity`."""
        named = _lead_ref(text.strip())
        if named is None:
            return cls("email", normalise_email(text).key)
        kind: IdentityKind = named[1]  # type: ignore[assignment]  # the pattern lists exactly these
        return cls(kind, _NORMALISE[kind](named[2]).key)

    def __str__(self) -> str:
        return self.key if self.kind == "email" else f"{self.kind}:{self.key}"


# Two letters of base 32 for each ten bits: the library's own encoder would take most of the time of an import's keys.
_PAIRS = tuple(first + second for first in _LETTERS for second in _LETTERS)


def letters(digest: bytes) -> str:
    """A digest of 5, 10, 15 or 20 octets in base 32, without capitals: 8 letters and digits for every 5 octets."""
    n = int.from_bytes(digest, "big")
    return "".join([_PAIRS[(n >> shift) & 1023] for shift in range(len(digest) * 8 - 10, -1, -10)])


def _key(text: str) -> str:
    return letters(blake2b(text.encode(), digest_size=10).digest())


def lead_key(kind: IdentityKind, key: str) -> str:
    """The key of a lead for its whole life, from the first identity known of it: 16 letters and digits."""
    return _key(f"{kind}:{key}")


def enrollment_key(campaign: str, lead: str, entry: int) -> str:
    """The key of a lead's `entry`-th enrollment into a campaign: 16 letters and digits. `lead` is its `lead_key`."""
    # Campaign names hold no slash, so two different triples never give the same text.
    return _key(f"{campaign}/{lead}/{entry}")


def dice(enrollment: str, node: str) -> float:
    """The chance of an enrollment at a node, in [0, 1): evenly spread, and always the same."""
    return (int.from_bytes(blake2b(f"{enrollment}/{node}".encode(), digest_size=8).digest(), "big") >> 11) / (1 << 53)


class Identified(Protocol):
    """Whoever has identities: a row of the store, a lead on a doorstep."""

    @property
    def email_key(self) -> str | None: ...
    @property
    def external_id(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def wechat(self) -> str | None: ...


def every_identity(person: Identified) -> list[LeadRef]:
    """By all that names this person, the most telling first."""
    known: tuple[tuple[IdentityKind, str | None], ...] = (
        ("email", person.email_key),
        ("id", person.external_id),
        ("phone", person.phone),
        ("wechat", person.wechat),
    )
    return [LeadRef(kind, key) for kind, key in known if key]


def every_hash(secret: bytes, person: Identified) -> tuple[str, ...]:
    """What the suppression list calls this person, by each identity."""
    return tuple(address_hash(secret, ref.kind, ref.key) for ref in every_identity(person))


# Judging, starting and suppressing ask for the same address within one batch.
@lru_cache(maxsize=16_384)
def address_hash(secret: bytes, kind: IdentityKind, key: str) -> str:
    """What the suppression list keeps of an address: 40 hex digits that say nothing without the secret.

    Raises `ValueError` for an empty secret: whoever has the list could then try addresses against it.
    """
    if not secret:
        raise ValueError("the suppression list needs a secret key")
    return hmac.digest(secret, f"{kind}:{key}".encode(), "sha256").hex()[:40]
