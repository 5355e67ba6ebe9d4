"""One row of a file as a lead: identities normalised, the few known columns read, all others kept as fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from nurture.identity import BadIdentity, normalise_email, normalise_id, normalise_phone, normalise_wechat
from nurture.leads.mapping import Columns
from nurture.leads.rejects import Reject
from nurture.leads.times import BadTime, parse_time

__all__ = ["IDENTITIES", "LEAD_WORDS", "LeadRow", "row_maker"]

IDENTITIES = ("email", "id", "phone", "wechat")
LONGEST_TAG = 100
MOST_TAGS = 100

LEAD_WORDS: dict[str, tuple[str, ...]] = {
    "email": (
        *("email", "emailaddress", "mail", "workemail", "businessemail", "emailid"),
        *("邮箱", "电子邮件", "邮件", "电子邮箱", "邮箱地址", "邮件地址", "工作邮箱", "企业邮箱", "公司邮箱"),
    ),
    "id": (
        *("id", "leadid", "externalid", "contactid", "recordid", "customerid", "crmid"),
        *("编号", "线索编号", "线索id", "客户编号", "客户id", "联系人编号"),
    ),
    "phone": (
        *("phone", "mobile", "mobilephone", "mobilenumber", "cellphone", "phonenumber", "telephone", "tel"),
        *("手机", "手机号", "手机号码", "移动电话", "电话", "电话号码", "联系电话"),
    ),
    "wechat": (
        *("wechat", "openid", "wechatopenid", "unionid", "wechatid", "externaluserid"),
        *("微信", "微信openid", "微信id"),
    ),
    "name": (
        *("name", "fullname", "leadname", "contactname", "lastname", "leadlastname", "surname"),
        *("姓名", "名字", "联系人", "联系人姓名", "客户姓名", "线索姓名"),
    ),
    "company": (
        *("company", "companyname", "account", "accountname", "organization", "organisation"),
        *("公司", "公司名称", "企业", "企业名称", "单位", "单位名称"),
    ),
    "title": ("title", "jobtitle", "position", "职位", "职务", "岗位", "头衔"),
    "industry": ("industry", "行业", "所属行业"),
    "region": ("region", "地区", "区域", "所在地区", "所在地"),
    "tags": ("tags", "tag", "labels", "label", "标签"),
    "owner": ("owner", "leadowner", "ownername", "负责人", "线索负责人", "所有人", "归属人"),
    "source": ("source", "leadsource", "来源", "线索来源", "客户来源"),
    "status": ("status", "leadstatus", "状态", "线索状态", "客户状态"),
    "time_zone": ("timezone", "tz", "时区"),
    "language": ("language", "lang", "preferredlanguage", "语言", "首选语言"),
    "consent": ("consent", "optin", "marketingconsent", "emailoptin", "同意", "是否同意", "营销同意", "同意接收"),
}
"""The known fields of a lead, and the headers (see `header_key`) by which each is found, the surest first."""

_PLAIN_FIELDS = ("name", "company", "title", "industry", "region", "source", "status")
_YES = frozenset({"yes", "y", "true", "1", "是", "同意", "已同意", "optin", "opt-in", "opted in", "subscribed"})
_NO = frozenset({"no", "n", "false", "0", "否", "不同意", "未同意", "拒绝", "opt-out", "opted out", "unsubscribed"})
_LANGUAGES = {"chinese": "zh", "english": "en", "中文": "zh", "英文": "en", "英语": "en", "汉语": "zh", "cn": "zh"}
_language_tag = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*").fullmatch
_zone_name = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*").fullmatch


class LeadRow(NamedTuple):
    """One lead, as its file tells it. An empty cell is None here, and no field at all in `fields`."""

    line: int
    email: str | None
    """As written; `email_key` is what makes two of them the same."""
    email_key: str | None
    external_id: str | None
    phone: str | None
    wechat: str | None
    owner: str | None
    language: str | None
    """The first part of a language tag: `zh`, `en`."""
    time_zone: str | None
    consent: str | None
    """`yes`, `no`, or None for not asked. A date in the file is a yes, and the field `consent_at`."""
    tags: tuple[str, ...]
    fields: dict[str, str]
    raw: Sequence[str]


class _BadCell(ValueError):
    def __init__(self, code: str, what: str) -> None:
        self.code = code
        self.what = what
        super().__init__(what)


def row_maker(columns: Columns) -> Callable[[int, list[str]], LeadRow | Reject | None]:
    """A function from (line, cells) to the lead, to the reason why there is none, or to None for a blank row."""
    width = len(columns.header)
    at = columns.index
    email_at, id_at, phone_at, wechat_at = at("email"), at("id"), at("phone"), at("wechat")
    owner_at, language_at, zone_at, consent_at, tags_at = (
        at("owner"),
        at("language"),
        at("time_zone"),
        at("consent"),
        at("tags"),
    )
    rare = max(owner_at, language_at, zone_at, consent_at, tags_at) >= 0
    kept = [column for column in columns.columns if not column.known or column.field in _PLAIN_FIELDS]
    names = tuple(column.field for column in kept)
    pick = _picker([column.index for column in kept])

    def make(line: int, cells: list[str]) -> LeadRow | Reject | None:
        values = [cell.strip() for cell in cells]
        if len(values) != width:
            if not any(values):
                return None
            if len(values) < width or any(values[width:]):
                return Reject(line, "ragged_row", f"{len(values)} cells, but the header has {width}", tuple(cells))
        email = email_key = external_id = phone = wechat = None
        owner = language = time_zone = consent = None
        tags: tuple[str, ...] = ()
        try:
            if email_at >= 0 and values[email_at]:
                email, email_key = normalise_email(values[email_at])
            if id_at >= 0 and values[id_at]:
                external_id = normalise_id(values[id_at]).key
            if phone_at >= 0 and values[phone_at]:
                phone = normalise_phone(values[phone_at]).key
            if wechat_at >= 0 and values[wechat_at]:
                wechat = normalise_wechat(values[wechat_at]).key
            if email_key is None and external_id is None and phone is None and wechat is None:
                if not any(values):
                    return None
                return Reject(line, "no_identity", "no e-mail address, id, phone or WeChat id", tuple(cells))
            fields = {name: value for name, value in zip(names, pick(values), strict=True) if value}
            if rare:
                owner = values[owner_at] or None if owner_at >= 0 else None
                if language_at >= 0 and values[language_at]:
                    language = _language(values[language_at])
                if zone_at >= 0 and values[zone_at]:
                    time_zone = _time_zone(values[zone_at])
                if tags_at >= 0 and values[tags_at]:
                    tags = split_tags(values[tags_at])
                if consent_at >= 0 and values[consent_at]:
                    consent, given_at = _consent(values[consent_at])
                    if given_at:
                        fields["consent_at"] = given_at
        except (BadIdentity, _BadCell) as bad:
            return Reject(line, bad.code, bad.what, tuple(cells))
        return LeadRow(
            line,
            email,
            email_key,
            external_id,
            phone,
            wechat,
            owner,
            language,
            time_zone,
            consent,
            tags,
            fields,
            cells,
        )

    return make


def _picker(places: list[int]) -> Callable[[list[str]], Sequence[str]]:
    if not places:
        return lambda _: ()
    if len(places) == 1:
        only = places[0]
        return lambda values: (values[only],)
    several: Any = itemgetter(*places)
    return several  # type: ignore[no-any-return]  # itemgetter's type does not know its arity


@lru_cache(maxsize=4096)
def split_tags(text: str) -> tuple[str, ...]:
    """`a; b;a` is `("a", "b")`."""
    tags = tuple(dict.fromkeys(tag for part in text.replace("；", ";").split(";") if (tag := part.strip())))
    if len(tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in tags):
        raise _BadCell("bad_tags", f"at most {MOST_TAGS} tags of {LONGEST_TAG} characters each")
    return tags


@lru_cache(maxsize=256)
def _language(text: str) -> str:
    word = text.casefold()
    if word in _LANGUAGES:
        return _LANGUAGES[word]
    if tag := _language_tag(word):
        return tag[1]
    raise _BadCell("bad_language", "a language is a tag such as zh or en-GB")


@lru_cache(maxsize=1024)
def _time_zone(text: str) -> str:
    try:
        # CET, EST and the like are in the database too, but are offsets rather than places; CST is not even one.
        if _zone_name(text) and ("/" in text or text == "UTC"):
            return ZoneInfo(text).key
    except (KeyError, ValueError, OSError):
        pass
    raise _BadCell("bad_time_zone", "a time zone is a name such as Asia/Shanghai; abbreviations mean several")


@lru_cache(maxsize=4096)
def _consent(text: str) -> tuple[str, str | None]:
    word = text.casefold()
    if word in _YES:
        return "yes", None
    if word in _NO:
        return "no", None
    try:
        return "yes", parse_time(text, ZoneInfo("UTC")).date().isoformat()
    except BadTime:
        # "pending", "n/a", "see contract": nobody is written to on the strength of a word we do not know.
        raise _BadCell("bad_consent", "consent is yes, no, or the date it was given") from None
