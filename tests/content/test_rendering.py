"""What a lead reads: the right language, a page and its text, and never a blank where something is not known."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from nurture.content import CannotRender, Catalogue, Content
from nurture.content.files import with_advertising_mark
from tests.content.samples import CONTEXT, FOOT

ROOT = Path(__file__).parents[2]


def mail(source: str, kind: str = "md", **more: Any) -> Any:
    return Content.compile({f"intro/email.en.{kind}": source}).render("email", "intro", "en", CONTEXT | more)


def test_a_lead_reads_its_language_else_chinese_else_what_there_is() -> None:
    def wrote(*languages: str) -> Content:
        return Content.compile({f"intro/sms.{language}.txt": language for language in languages})

    def reads(content: Content, language: str | None) -> str:
        return content.render("sms", "intro", language, CONTEXT).text

    assert reads(wrote("zh", "en"), "en") == "en"
    assert reads(wrote("zh", "en"), "en-GB") == "en"
    assert reads(wrote("zh-TW", "en"), "zh") == "zh-TW"
    assert reads(wrote("zh", "en"), "fr") == "zh"
    assert reads(wrote("zh", "en"), None) == "zh"
    assert reads(wrote("en", "fr"), "de") == "en"


def test_a_mail_in_markdown_has_a_page_and_its_text() -> None:
    rendered = mail(
        "Subject: For {{ lead.company }}\nPreheader: Read {{ lead.company }}\n\n# Hello {{ lead.name }}\n\nSome *words* for"
        " {{ lead.company }}.\n\n- one\n- [two](https://x.example/?c={{ lead.company }})\n\n**[Read it]({{ view_url }})**\n"
        + FOOT
    )

    assert rendered.subject == "For ACME & Co"
    assert "<h1>Hello Ada</h1>" in rendered.html
    assert "<em>words</em> for ACME &amp; Co." in rendered.html
    assert '<p class="action"><strong><a href="https://example.com/v/abc">Read it</a></strong></p>' in rendered.html
    assert '<a href="https://x.example/?c=ACME%20%26%20Co">two</a>' in rendered.html
    assert '<html lang="en">' in rendered.html
    assert 'aria-hidden="true">Read ACME &amp; Co</div>' in rendered.html
    assert rendered.text == (
        "Hello Ada\n\nSome words for ACME & Co.\n\n- one\n- two (https://x.example/?c=ACME & Co)\n\n"
        "Read it (https://example.com/v/abc)\n\n-----\n\nNews · 1 Road Stop (https://example.com/u/abc)"
    )


def test_conditions_and_loops_may_stand_between_paragraphs() -> None:
    source = (
        "Subject: x\n\n{% if lead.company %}\nFor **{{ lead.company }}**\n{% else %}\nFor you\n{% endif %}\n\n"
        "{% for tag in lead.tags %}\n- {{ tag }}\n{% endfor %}\n" + FOOT
    )
    known = mail(source, lead={"company": "ACME", "tags": ["a", "b"]})
    unknown = mail(source, lead={"tags": []})

    assert "<p>For <strong>ACME</strong></p>" in known.html
    assert known.html.count("<li>") == 2
    assert "<p>For you</p>" in unknown.html
    assert known.text.startswith("For ACME\n\n- a\n\n- b\n\n-----")


class Balanced(HTMLParser):
    """Complains about a tag that closes what is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br", "hr", "img", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        assert tag in ("meta", "br", "hr", "img", "link")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("content", ["whitepaper", "monthly_digest"])
def test_every_page_is_well_formed_and_asks_nobody_for_anything(content: str, language: str) -> None:
    catalogue = Catalogue.load(ROOT / "content")
    rendered = Content.compile(catalogue.files(content)).render("email", content, language, CONTEXT)
    reader = Balanced()
    reader.feed(re.sub(r"<!--.*?-->", "", rendered.html, flags=re.DOTALL))

    assert reader.open == []
    assert "{{" not in rendered.html + rendered.text + rendered.subject
    assert f'lang="{language}"' in rendered.html
    assert "fonts.googleapis" not in rendered.html
    assert "@import" not in rendered.html
    assert CONTEXT["unsubscribe_url"] in rendered.html
    assert CONTEXT["unsubscribe_url"] in rendered.text


def test_markup_in_markdown_is_text() -> None:
    rendered = mail("Subject: x\n\n<script>alert(1)</script> <b>bold</b> [x](javascript:alert(1))\n" + FOOT)

    assert "<script" not in rendered.html
    assert "<b>" not in rendered.html
    assert 'href="javascript' not in rendered.html


def test_braces_that_an_author_spells_out_stay_braces() -> None:
    rendered = mail(
        "Subject: x\n\nWrite &#123;{ lead.name }} and &#123;% if %} and {% raw %}{{ x }}{% endraw %}\n" + FOOT
    )

    for part in (rendered.html, rendered.text):
        assert "Write {{ lead.name }} and {% if %} and {{ x }}" in part


def test_slots_of_mjml_survive_in_texts_and_addresses() -> None:
    source = (
        "Subject: x\nPreheader: {{ lead.name }}, read\n\n<mjml><mj-body><mj-section><mj-column>"
        '<mj-text>Hello {{ lead.nick|default("you & me") }}</mj-text>'
        '<mj-raw>{% for tag in lead.tags %}</mj-raw><mj-button href="{{ view_url }}?t={{ tag }}">{{ tag }}</mj-button>'
        "<mj-raw>{% endfor %}</mj-raw><mj-text>{{ postal_address }} {{ unsubscribe_url }}</mj-text>"
        "</mj-column></mj-section></mj-body></mjml>"
    )
    rendered = mail(source, "mjml", lead={"name": "Ada", "tags": ["a b", "c"]})

    assert "Hello you &amp; me" in rendered.html
    assert 'href="https://example.com/v/abc?t=a%20b"' in rendered.html
    assert rendered.html.count("<a ") == 2
    assert "Hello you & me" in rendered.text
    assert ">Ada, read</div>" in rendered.html


def test_named_slots_for_channels_with_templates_of_their_own() -> None:
    source = '{"template": "T1", "data": {"first": "Hello {{ lead.name }}", "remark": {"value": "x"}}, "text": "Hi {{ lead.name }}"}'
    rendered = Content.compile({"intro/wechat.zh.json": source}).render("wechat", "intro", None, CONTEXT)

    assert rendered.data == {"template": "T1", "data.first": "Hello Ada", "data.remark.value": "x", "text": "Hi Ada"}
    assert rendered.text == "Hi Ada"


@pytest.mark.parametrize(
    ("lead", "reason"),
    [
        ({}, "lead.name is not known"),
        ({"name": ""}, "lead.name is not known"),
        ({"name": None}, "lead.name is not known"),
        ({"name": "Ada\r\nBcc: eve@example.org"}, "a header after it"),
        ({"name": "Ada\x00"}, r"U\+0000"),
        ({"name": "Ada\u202e"}, r"U\+202E"),
        ({"name": "\ud800"}, r"U\+D800"),
        ({"name": "x" * 600}, "longer than 500"),
        ({"name": "  "}, "the subject is empty"),
    ],
)
def test_a_lead_for_whom_the_subject_cannot_be_written_is_told_with_the_reason(
    lead: dict[str, Any], reason: str
) -> None:
    with pytest.raises(CannotRender, match=reason):
        mail("Subject: {{ lead.name }}\n\nx" + FOOT, lead=lead)


def test_half_a_character_in_the_body_stops_the_message() -> None:
    with pytest.raises(CannotRender, match="half a character"):
        mail("Subject: x\n\n{{ lead.name }}" + FOOT, lead={"name": "\ud800"})


def test_a_broken_file_of_a_version_stops_its_own_messages_only() -> None:
    content = Content.compile({"good/sms.zh.txt": "fine", "bad/sms.zh.txt": "{{ nobody }}", "bad/unknown": "x"})

    assert content.render("sms", "good", "zh", CONTEXT).text == "fine"
    for missing in ("bad", "never"):
        with pytest.raises(CannotRender, match=missing):
            content.render("sms", missing, "zh", CONTEXT)


# -- C16: mails under Chinese law -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "language", "marked"),
    [
        ("欢迎", "zh", "(广告) 欢迎"),
        ("广告：欢迎", "zh", "广告：欢迎"),
        ("【广告】欢迎", "zh", "【广告】欢迎"),
        ("AD Welcome", "en", "AD Welcome"),
        ("Welcome", "en", "AD: Welcome"),
        ("ADVANCED course", "en", "AD: ADVANCED course"),
        ("\u200b\u3000 广告 欢迎", "zh", "广告 欢迎"),
        ("欢迎 (广告)", "zh", "(广告) 欢迎 (广告)"),
        ("ad welcome", "en", "AD: ad welcome"),
    ],
)
def test_a_subject_under_chinese_law_begins_with_the_mark(subject: str, language: str, marked: str) -> None:
    assert with_advertising_mark(subject, language) == marked


@pytest.mark.parametrize("name", ["Ada", "广告", "\u200b广告"])
def test_the_mark_is_set_after_rendering_so_that_no_value_can_hide_it(name: str) -> None:
    rendered = mail("Subject: {{ lead.name }}您好\nJurisdiction: CN\n\nx" + FOOT, lead={"name": name})

    assert re.match(r"(\(广告\)|AD:|广告)", rendered.subject)
