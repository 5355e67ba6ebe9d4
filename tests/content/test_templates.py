"""Templates do what Jinja2 does, and nothing that could do harm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from nurture.content.templates import CannotRender, Flawed, Kind, compile_template

NAMES = ("lead", "campaign", "unsubscribe_url", "view_url", "postal_address", "sender_name")
LEAD = {
    "name": "Ada",
    "company": "ACME & Co",
    "industry": "it",
    "employees": 1200,
    "signed_up": "2026-03-06T09:30:00",
    "tags": ["registered", "deep"],
    "公司": "致趣",
    "empty": "",
    "website": "https://acme.example/a?b=1&c=2",
    "bad_url": "javascript:alert(1)",
    "unknown": None,
}
CONTEXT: dict[str, Any] = {
    "lead": LEAD,
    "campaign": {"name": "welcome", "title": "Welcome"},
    "unsubscribe_url": "https://example.com/u/abc",
    "view_url": "https://example.com/v/abc",
    "postal_address": "1 Road",
    "sender_name": "News",
}


def render(source: str, kind: Kind = "text", **more: Any) -> str:
    return compile_template(source, kind, NAMES).render(CONTEXT | more)


def flaws(source: str, kind: Kind = "text") -> list[str]:
    with pytest.raises(Flawed) as raised:
        compile_template(source, kind, NAMES)
    return [flaw.what for flaw in raised.value.flaws]


# -- what they can do -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Hello {{ lead.name }}", "Hello Ada"),
        ("{{ lead['公司'] }} {{ lead.公司 }}", "致趣 致趣"),
        ("{{ lead.tags[0] }}", "registered"),
        ("{{ lead.name|upper }} {{ lead.name|lower }} {{ 'ada lovelace'|title }}", "ADA ada Ada Lovelace"),
        ("{{ lead.nick|default('there') }} {{ lead.empty|default('blank') }}", "there blank"),
        ("{{ lead.unknown|default(lead.name) }}", "Ada"),
        ("{{ '  x '|trim }}|{{ 'abcdefgh'|truncate(5) }}", "x|abcd…"),
        ("{{ lead.employees|number }} {{ 3.14159|number(2) }} {{ '12000'|number }}", "1,200 3.14 12,000"),
        ("{{ lead.signed_up|date }} {{ lead.signed_up|date('YYYY年M月D日 HH:mm') }}", "2026-03-06 2026年3月6日 09:30"),
        ("{{ lead.tags|join('、') }} {{ lead.tags|first }} {{ lead.tags|length }}", "registered、deep registered 2"),
        ("{{ lead.name|escape }}", "Ada"),
        ("{% if lead.industry == 'it' %}A{% elif lead.industry == 'bank' %}B{% else %}C{% endif %}", "A"),
        ("{% if lead.employees > 1000 and not lead.vip %}big{% endif %}", "big"),
        ("{% if 'deep' in lead.tags %}deep{% endif %}{% if 'x' not in lead.tags %}!{% endif %}", "deep!"),
        ("{% if 1000 < lead.employees <= 1200 %}yes{% endif %}", "yes"),
        (
            "{% for tag in lead.tags %}{{ loop.index }}.{{ tag }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "1.registered, 2.deep",
        ),
        ("{# a note #}x{% raw %}{{ y }}{% endraw %}", "x{{ y }}"),
        ("{{ lead.a or lead.name }}", "Ada"),
        ("{% if lead.nobody == 'x' or lead.nobody != 'x' %}known{% else %}not known{% endif %}", "not known"),
        ("{{ postal_address }}", "1 Road"),
    ],
)
def test_templates_say_what_they_are_meant_to(source: str, shown: str) -> None:
    assert render(source) == shown


def test_an_empty_setting_of_ours_is_empty_and_an_empty_field_of_a_lead_is_not_known() -> None:
    assert render("[{{ postal_address }}]", postal_address="") == "[]"
    with pytest.raises(CannotRender, match=r"lead\.empty is not known"):
        render("{{ lead.empty }}")


simple_values = st.one_of(st.text(max_size=20), st.integers(-1000, 1000), st.booleans())
templates = st.lists(
    st.sampled_from(
        [
            "text\n",
            "<b>",
            "{{ a }}",
            "{{ b|upper }}",
            "{{ a|default('x') }}",
            "{{ b|trim|lower }}",
            "{% if a %}A{% else %}B{% endif %}",
            "{% if a == b %}same{% elif a %}\nother\n{% endif %}",
            "{% if not (a and b) or b %}n{% endif %}",
            "{% for x in c %}{{ loop.index }}{{ x }}{% if loop.last %}.{% endif %}{% endfor %}",
            "{{ c|length }}",
            "{# note #}",
            "\n  {% if b %}\n  y\n  {% endif %}\n",
        ]
    ),
    max_size=8,
).map("".join)


@given(
    templates,
    st.text(min_size=1, max_size=20),
    st.text(min_size=1, max_size=20),
    st.lists(st.text(min_size=1, max_size=5), max_size=5),
)
def test_what_is_allowed_does_what_jinja2_does(source: str, a: str, b: str, c: list[str]) -> None:
    context = {"a": a, "b": b, "c": c}
    plain = Environment(trim_blocks=True, lstrip_blocks=True)

    assert compile_template(source, "text", ("a", "b", "c")).render(context) == plain.from_string(source).render(
        context
    )


# -- what a lead can do: nothing (T02) ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        "{{7*7}}",
        "{{ config }}",
        "{% for x in (1,2) %}{{ x }}{% endfor %}",
        "{{ lead.__class__.__mro__ }}",
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
        "{{{{ 7*7 }}}}",
        "{# x #}",
        "}}{{ 7*7 }}{{",
        "%}{% raw %}",
        "\\u007b\\u007b7*7}}",
        "{{'{{7*7}}'}}",
    ],
)
def test_what_a_lead_is_called_is_shown_and_never_evaluated(payload: str) -> None:
    lead = {"name": payload, "nested": payload}

    assert render("{{ lead.name }}{{ lead.x|default(lead.nested) }}", lead=lead) == payload * 2
    assert "49" not in render("<p>{{ lead.name }}</p><a title='{{ lead.name }}'>", "html", lead=lead)


@pytest.mark.parametrize(
    "payload", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onclick='x", "&lt;"]
)
def test_markup_from_a_lead_stays_text(payload: str) -> None:
    shown = render(
        "<p title=\"{{ lead.name }}\" lang='{{ lead.name }}'>{{ lead.name }}</p>", "html", lead={"name": payload}
    )

    assert shown.count("<") == 2
    assert shown.count('"') == 2
    assert shown.count("'") == 2


@pytest.mark.parametrize(
    "value",
    [object(), {"a": 1}, [1], b"x", Exception("secret"), 10**5000, float("nan"), "x" * 40_000],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_is_not_plain_stops_the_message(value: Any) -> None:
    with pytest.raises(CannotRender):
        render("{{ lead.name }}", lead={"name": value})


def test_an_object_has_no_attributes_here() -> None:
    class Settings:
        password = "hunter2"

        def delete(self) -> None:
            raise AssertionError("called")

    for source in ("{{ lead.password }}", "{{ lead.delete }}", "{{ campaign.title.password }}"):
        with pytest.raises(CannotRender):
            render(source, lead=Settings(), campaign={"title": Settings()})


def test_items_is_a_field_like_any_other() -> None:
    assert render("{{ lead.items }}{{ lead.get }}", lead={"items": "3", "get": "x"}) == "3x"


# -- slots in HTML ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('<a href="{{ lead.website }}">', '<a href="https://acme.example/a?b=1&amp;c=2">'),
        ("<a href='https://x.example/?c={{ lead.company }}'>", "<a href='https://x.example/?c=ACME%20%26%20Co'>"),
        ('<a href="https://x.example/{{ lead.bad_url }}">', '<a href="https://x.example/javascript%3Aalert%281%29">'),
        ('<p title="{{ lead.company }}">', '<p title="ACME &amp; Co">'),
        ("1 < 2 {{ lead.company }}", "1 < 2 ACME &amp; Co"),
        ("<!-- {{ lead.company }} -->", "<!-- ACME &amp; Co -->"),
        (
            '<!--[if mso]><v:rect href="{{ lead.website }}"><![endif]-->',
            '<!--[if mso]><v:rect href="https://acme.example/a?b=1&amp;c=2"><![endif]-->',
        ),
        (
            "<img src='{% if lead.vip %}https://a.example/{% else %}https://b.example/{% endif %}x.png'>",
            "<img src='https://b.example/x.png'>",
        ),
        ("<style>a { color: red }</style>{{ lead.company }}", "<style>a { color: red }</style>ACME &amp; Co"),
    ],
)
def test_a_slot_is_written_as_its_place_needs(source: str, shown: str) -> None:
    assert render(source, "html") == shown


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "https:evil",
        "http://",
        "ftp://x.example",
        "https://x.example/ y",
        "https://x.example/\n",
        " https://x.example",
        'https://x.example/"',
        "https:\\\\evil.example",
        "JaVaScRiPt:x",
        "mailto:",
    ],
)
def test_a_link_leads_to_the_web_or_to_nobody(url: str) -> None:
    with pytest.raises(CannotRender, match="http"):
        render('<a href="{{ lead.name }}">', "html", lead={"name": url})


@pytest.mark.parametrize(
    "source",
    [
        "<{{ lead.name }}>",
        "<a {{ lead.name }}>",
        "<a {{ lead.name }}='x'>",
        "<a href={{ lead.website }}>",
        "<a href=x{{ lead.name }}>",
        "<a onclick=\"f('{{ lead.name }}')\">",
        '<p style="color: {{ lead.name }}">',
        "<img srcset='{{ lead.website }} 2x'>",
        "<iframe srcdoc='{{ lead.name }}'>",
        "<script>{{ lead.name }}</script>",
        "<style>{{ lead.name }}</style>",
        "<STYLE>{{ lead.name }}</STYLE>",
        "</{{ lead.name }}>",
        "{% if lead.vip %}<a href='{% endif %}{{ lead.name }}",
        "{% for tag in lead.tags %}<a title='{% endfor %}",
        "<a/onclick='{{ lead.name }}'>",
        "<a x = \n onclick = '{{ lead.name }}'>",
    ],
)
def test_no_slot_stands_where_escaping_does_not_help(source: str) -> None:
    assert flaws(source, "html")


# -- what an author can do -------------------------------------------------------------------------------------------


def test_every_flaw_is_told_at_once_with_its_line() -> None:
    with pytest.raises(Flawed) as raised:
        compile_template("{{ nobody.name }}\n{{ lead.name|nofilter }}\n{{ lead.name() }}\n", "text", NAMES)

    assert [(flaw.line, flaw.what) for flaw in raised.value.flaws] == [
        (1, "there is no 'nobody' in a template"),
        (2, "there is no filter 'nofilter'"),
        (3, "nothing can be called"),
    ]


def test_a_field_that_may_be_missing_is_told() -> None:
    template = compile_template(
        "{{ lead.company }}\n{{ lead.name|default('you') }}{{ lead.email }}\n"
        "{% if lead.city %}{{ lead.city }}{% else %}{{ lead.city }}{% endif %}\n{{ lead.title|upper }}",
        "text",
        NAMES,
    )

    assert template.uncertain == ((1, "lead.company"), (3, "lead.city"), (4, "lead.title"))


def test_what_stands_under_a_condition_is_not_always_shown() -> None:
    template = compile_template("{{ view_url }}{% if lead.x %}{{ unsubscribe_url }}{% endif %}", "text", NAMES)

    assert template.always == {"view_url"}


def test_a_subject_has_no_line_break_and_no_second_header() -> None:
    assert render("For {{ lead.company }}", "line", lead={"company": "ACME\nLtd"}) == "For ACME Ltd"
    with pytest.raises(CannotRender):
        render("For {{ lead.company }}", "line", lead={"company": "ACME\r\nBcc: eve@example.org"})
