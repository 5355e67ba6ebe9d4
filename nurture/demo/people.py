"""Invented people: three hundred who left their card at a fair. Everything by chance is a hash of the seed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

__all__ = ["Person", "chance", "pick", "the_crowd", "write_csv"]

Thing = TypeVar("Thing")

CHINESE_SHARE = 0.7
NO_MAILBOX = 0.05
HAS_WECHAT, FOLLOWS_US = 0.75, 0.85

SURNAMES = (
    "王wang 李li 张zhang 刘liu 陈chen 杨yang 赵zhao 黄huang 周zhou 吴wu 徐xu 孙sun 胡hu 朱zhu 高gao 林lin 何he 郭guo"
    " 马ma 罗luo 梁liang 宋song 郑zheng 谢xie 韩han 唐tang 冯feng 董dong 程cheng 曹cao"
).split()
GIVEN = (
    "晓明xiaoming 丽娜lina 建国jianguo 思远siyuan 雨桐yutong 海燕haiyan 志强zhiqiang 佳怡jiayi 文博wenbo 静jing 磊lei"
    " 晨曦chenxi 梓涵zihan 俊杰junjie 雪梅xuemei 子墨zimo 婷婷tingting 一凡yifan 慧敏huimin 鹏peng 欣然xinran 国华guohua"
    " 若溪ruoxi 天宇tianyu 秀英xiuying 浩然haoran 可欣kexin 立新lixin 晓峰xiaofeng 安琪anqi"
).split()
COMPANIES = (
    "华林hualin 远航yuanhang 启明qiming 青云qingyun 恒信hengxin 瑞康ruikang 博睿borui 蓝海lanhai 金桥jinqiao 星河xinghe"
    " 嘉禾jiahe 同创tongchuang 智联zhilian 新峰xinfeng 云帆yunfan 泰和taihe"
).split()
REGIONS = ("北京", "上海", "深圳", "杭州", "广州", "成都", "苏州", "武汉")
TITLES = ("市场总监", "市场经理", "总经理", "副总裁", "销售总监", "数字化负责人", "IT 主管", "采购经理", "市场专员")

FIRST_NAMES = (
    "Ada Grace Alan Barbara Edsger Radia Linus Margaret Donald Frances Ken Hedy Dennis Karen Tim Sophie Niklaus Joan"
    " Claude Mary Robin Priya Kofi Lena Omar Ines Yuki Tomás Aisha Björn"
).split()
LAST_NAMES = (
    "Adler Brooks Chen Dubois Evans Fischer Garcia Haddad Ito Jensen Kowalski Lindqvist Moreau Nakamura Okafor Petrov"
    " Quinn Rossi Silva Tanaka Ueda Vance Weber Xavier Young Zhou Byrne Costa Meyer Novak"
).split()
FIRMS = ("Northwind", "Acorn", "Brightwater", "Cobalt", "Delta Works", "Evergreen", "Foxglove", "Granite", "Harbour")
FIRM_KINDS = {"manufacturing": "Systems", "software": "Software", "education": "Learning", "healthcare": "Health"}
ROLES = (
    "CMO",
    "CEO",
    "Head of Marketing",
    "Marketing Manager",
    "Sales Director",
    "IT Manager",
    "Demand Generation Lead",
)
PLACES = (
    ("London", "Europe/London"),
    ("Berlin", "Europe/Berlin"),
    ("Singapore", "Asia/Singapore"),
    ("New York", "America/New_York"),
)

INDUSTRIES = {"智能制造": "manufacturing", "企业软件": "software", "职业教育": "education", "医疗健康": "healthcare"}
NEEDS: Mapping[str, tuple[str, ...]] = {
    "zh": ("线索孵化", "私域运营", "活动获客"),
    "en": ("lead nurture", "event follow-up", "better leads for sales"),
}


def chance(*what: object) -> float:
    """In [0, 1), evenly spread, and always the same for the same question."""
    digest = blake2b("\0".join(map(str, what)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def pick(among: Sequence[Thing], *what: object) -> Thing:
    return among[int(chance(*what) * len(among))]


@dataclass(frozen=True)
class Person:
    """Somebody, and what they are like."""

    name: str
    email: str
    company: str
    title: str
    industry: str
    region: str
    language: str
    time_zone: str
    wechat: str
    need: str
    tags: tuple[str, ...]
    keen: float
    """How gladly they read us, 0 to 1. Most do not."""
    has_mailbox: bool
    follows: bool
    """On WeChat."""

    @cached_property
    def key(self) -> str:
        """What their chances are drawn by."""
        return self.email


def the_crowd(number: int, seed: int) -> list[Person]:
    """So many people, all different; the same seed gives the same ones."""
    people = []
    taken: set[str] = set()
    for n in range(number):
        person = _chinese(seed, n, taken) if chance(seed, n, "zh") < CHINESE_SHARE else _other(seed, n, taken)
        taken.add(person.email)
        people.append(person)
    return people


def _chinese(seed: int, n: int, taken: set[str]) -> Person:
    surname, surname_latin = _split(pick(SURNAMES, seed, n, "surname"))
    given, given_latin = _split(pick(GIVEN, seed, n, "given"))
    company, domain = _split(pick(COMPANIES, seed, n, "company"))
    industry = pick(tuple(INDUSTRIES), seed, n, "industry")
    email = _unused(f"{given_latin}.{surname_latin}", f"{domain}.example", taken)
    return _person(
        seed, n, surname + given, email, f"{company}{industry}", pick(TITLES, seed, n, "title"), industry,
        pick(REGIONS, seed, n, "region"), "zh", "Asia/Shanghai", HAS_WECHAT,
    )  # fmt: skip


def _other(seed: int, n: int, taken: set[str]) -> Person:
    first, last = pick(FIRST_NAMES, seed, n, "first"), pick(LAST_NAMES, seed, n, "last")
    industry = pick(tuple(INDUSTRIES.values()), seed, n, "industry")
    firm = f"{pick(FIRMS, seed, n, 'company')} {FIRM_KINDS[industry]}"
    region, zone = pick(PLACES, seed, n, "place")
    plain = f"{first}.{last}".lower().replace("á", "a").replace("ö", "o")
    email = _unused(plain, f"{firm.lower().replace(' ', '-')}.example", taken)
    return _person(
        seed, n, f"{first} {last}", email, firm, pick(ROLES, seed, n, "title"), industry, region, "en", zone, 0.15
    )


def _person(
    seed: int, n: int, name: str, email: str, company: str, title: str, industry: str, region: str, language: str,
    zone: str, wechat: float,
) -> Person:  # fmt: skip
    reached = chance(seed, n, "wechat") < wechat
    asked = chance(seed, n, "asked")
    return Person(
        name, email, company, title, industry, region, language, zone,
        wechat=f"oDemo{blake2b(f'{seed}/{n}'.encode(), digest_size=9).hexdigest()}" if reached else "",
        need=pick(NEEDS[language], seed, n, "need") if chance(seed, n, "told need") < 0.2 else "",
        # Some ticked "please call me" at the stand.
        tags=("registered", "要求联系") if asked < 0.03 else ("registered",),
        keen=chance(seed, n, "keen") ** 2.2,
        has_mailbox=chance(seed, n, "mailbox") >= NO_MAILBOX,
        follows=chance(seed, n, "follows") < FOLLOWS_US,
    )  # fmt: skip


def _split(pair: str) -> tuple[str, str]:
    """`王wang` is 王 and wang."""
    latin = "".join(char for char in pair if char.isascii())
    return pair.removesuffix(latin), latin


def _unused(local: str, domain: str, taken: set[str]) -> str:
    """Domains end with .example, which leads nowhere by definition."""
    email, number = f"{local}@{domain}", 2
    while email in taken:
        email, number = f"{local}{number}@{domain}", number + 1
    return email


def write_csv(people: Iterable[Person], path: Path) -> None:
    """The file a fair's scanner would give: one row for each."""
    columns = ("name", "email", "company", "title", "industry", "region", "language", "time_zone", "wechat", "need")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow((*columns, "source", "tags"))
        for person in people:
            rows.writerow((*(getattr(person, column) for column in columns), "spring fair", ";".join(person.tags)))
