"""The content folder: what a marketer writes, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nurture.content import Catalogue, Content
from nurture.problems import Problem
from tests.content.samples import CONTEXT, FOOT, MAIL

ROOT = Path(__file__).parents[2]
Write = Callable[[Mapping[str, str | bytes]], Catalogue]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A catalogue with these files: path below `content/` to text."""

    def made(files: Mapping[str, str | bytes]) -> Catalogue:
        for name, text in files.items():
            path = tmp_path / "content" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Catalogue.load(tmp_path / "content")

    return made


def seen(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.code, problem.where) for problem in problems]


# -- the catalogue --------------------------------------------------------------------------------------------------


def test_the_catalogue_knows_every_content_and_its_channels(write: Write) -> None:
    catalogue = write(
        {"intro/email.zh.md": MAIL, "intro/email.en.md": MAIL, "intro/sms.zh.txt": "x", "other/wechat.zh.json": "{}"}
    )

    assert catalogue.names == {"intro": {"email", "sms"}, "other": {"wechat"}}
    assert list(catalogue.files("intro", "email")) == ["intro/email.en.md", "intro/email.zh.md"]
    assert list(catalogue.files("intro")) == ["intro/email.en.md", "intro/email.zh.md", "intro/sms.zh.txt"]
    assert catalogue.problems("intro", "email") == []


def test_without_a_folder_there_is_no_content(tmp_path: Path) -> None:
    assert dict(Catalogue.load(tmp_path / "nowhere").names) == {}


def test_content_that_is_not_there_is_named_with_what_was_perhaps_meant(write: Write) -> None:
    catalogue = write({"whitepaper/email.zh.md": MAIL})

    (unknown,) = catalogue.problems("whitepapr", "email")
    (no_channel,) = catalogue.problems("whitepaper", "sms")

    assert unknown.code == no_channel.code == "E_CONTENT"
    assert "whitepaper" in unknown.hint
    assert "email" in no_channel.hint


def test_a_link_is_not_followed_and_a_strange_name_is_no_content(write: Write, tmp_path: Path) -> None:
    """T11: nothing outside of the folder becomes content."""
    secret = tmp_path / "secret.md"
    secret.write_text(MAIL)
    write({"intro/email.zh.md": MAIL, "Bad Name/email.zh.md": MAIL})
    (tmp_path / "content" / "intro" / "email.en.md").symlink_to(secret)
    (tmp_path / "content" / "linked").symlink_to(tmp_path)
    catalogue = Catalogue.load(tmp_path / "content")

    assert set(catalogue.names) == {"intro"}
    assert [problem.file for problem in catalogue.problems("intro", "email")] == ["content/intro/email.en.md"]
    for name in ("../secret", "..", "/etc", "intro/../intro", "a\0b", "%2e%2e", "intro/email.zh.md", "ｉntro"):
        assert [problem.code for problem in catalogue.problems(name, "email")] == ["E_CONTENT"]
        assert catalogue.files(name) == {}


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        pytest.param("email.md", MAIL, "", id="no language"),
        pytest.param("email.zh.docx", MAIL, "", id="another kind"),
        pytest.param("email.zh.md", b"Subject: x\n\n\xff\xfe", "line 3", id="not UTF-8"),
        pytest.param("email.zh.md", "Subject: 你好\n\n内容".encode("gb18030"), "line 1", id="GB18030"),
        pytest.param("email.zh.md", "x" * 65 * 1024, "", id="too large"),
        pytest.param("email.zh.md", "Subject: x\n\n" + FOOT + "\0", "", id="a NUL"),
        pytest.param("email.zh.md", "Subject: x\nSender: me\n\nHello" + FOOT, "line 2", id="a header that is none"),
        pytest.param("email.zh.md", "Subject: x\nSubject: y\n\nHello" + FOOT, "line 2", id="two subjects"),
        pytest.param("email.zh.md", "Subject: x\nPurpose: fun\n\nHello" + FOOT, "line 2", id="a purpose that is none"),
        pytest.param("email.zh.md", "Subject: x\nHello there\n" + FOOT, "line 2", id="no empty line"),
        pytest.param("email.zh.md", "Subject: x\nPurpose: service\n\n  \n", "line 4", id="no body"),
        pytest.param("email.zh.mjml", "Subject: x\n\nnot mjml" + FOOT, "line 3", id="not MJML"),
        pytest.param(
            "email.zh.mjml",
            "Subject: x\n\n<mjml><mj-body><mj-include path='/etc/passwd'/></mj-body></mjml>" + FOOT,
            "line 3",
            id="a file inclusion",
        ),
        pytest.param(
            "email.zh.mjml",
            "Subject: x\n\n<mjml><mj-body><mj-raw><script>x</script></mj-raw></mj-body></mjml><!--" + FOOT + "-->",
            "line 3",
            id="a script",
        ),
        pytest.param("wechat.zh.json", "{", "line 1", id="not JSON"),
        pytest.param("wechat.zh.json", '{"a": 1}', "/a", id="a number"),
        pytest.param("wechat.zh.json", '["a"]', "", id="a list"),
        pytest.param("sms.zh.txt", " \n", "", id="an empty message"),
        pytest.param("sms.zh.md", "x", "", id="Markdown for a phone"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_where(write: Write, name: str, text: str | bytes, where: str) -> None:
    catalogue = write({f"intro/{name}": text})
    channel = name.split(".", maxsplit=1)[0]

    problems = [problem for problem in catalogue.problems("intro", channel) if problem.file]

    assert problems
    assert {problem.code for problem in problems} <= {"E_CONTENT"}
    assert where in [problem.where for problem in problems]
    assert all(problem.file == f"content/intro/{name}" for problem in problems)


def test_two_files_for_one_language_are_a_mistake(write: Write) -> None:
    catalogue = write({"intro/email.zh.md": MAIL, "intro/email.zh.txt": MAIL})

    assert any("say the same" in problem.what for problem in catalogue.problems("intro", "email"))


def test_a_file_from_windows_is_read_like_any_other(write: Write) -> None:
    catalogue = write({"intro/email.zh.md": b"\xef\xbb\xbf" + MAIL.replace("\n", "\r\n").encode()})

    assert catalogue.problems("intro", "email") == []
    assert Content.compile(catalogue.files("intro")).render("email", "intro", "zh", CONTEXT).subject == "Hello Ada"


@pytest.mark.parametrize(
    ("source", "code", "where"),
    [
        pytest.param("Hello\n\nx" + FOOT, "E_MAIL_SUBJECT", "line 1", id="no subject"),
        pytest.param("Subject:\n\nx" + FOOT, "E_MAIL_SUBJECT", "line 1", id="an empty subject"),
        pytest.param("Subject: " + "x" * 1000 + "\n\nx" + FOOT, "E_MAIL_SUBJECT", "line 1", id="a subject of 1,000"),
        pytest.param("Subject: x\n\nHello {{ postal_address }}", "E_MAIL_UNSUBSCRIBE", "", id="no way to stop"),
        pytest.param("Subject: x\n\nHello {{ unsubscribe_url }}", "E_MAIL_ADDRESS", "", id="no postal address"),
        pytest.param(
            "Subject: x\n\n{{ postal_address }}{% if lead.x %}{{ unsubscribe_url }}{% endif %}",
            "E_MAIL_UNSUBSCRIBE",
            "",
            id="a way to stop for some",
        ),
        pytest.param(
            "Subject: x\n\n{# {{ unsubscribe_url }} #}{{ postal_address }}",
            "E_MAIL_UNSUBSCRIBE",
            "",
            id="commented out",
        ),
        pytest.param("Subject: {{ nobody }}\n\nx" + FOOT, "E_TEMPLATE", "line 1, column 1", id="in the subject"),
        pytest.param(
            "Subject: x\nPreheader: {{ nobody }}\n\nx" + FOOT, "E_TEMPLATE", "line 2, column 1", id="in the preheader"
        ),
        pytest.param(
            "Subject: x\n\nHello\n\nDear {{ lead.name|default('you') }} {{ smtp.password }}" + FOOT,
            "E_TEMPLATE",
            "line 5, column 37",
            id="in the body",
        ),
        pytest.param(
            "Subject: x\n\n{{ lead.name|nope }}" + FOOT, "E_TEMPLATE", "line 3, column 1", id="an unknown filter"
        ),
        pytest.param(
            "Subject: x\n\nHello {% if lead.name" + FOOT, "E_TEMPLATE", "line 3, column 7", id="a syntax error"
        ),
        pytest.param(
            "Subject: x\n\nHello\n{% for x in lead.tags %}" + FOOT, "E_TEMPLATE", "line 4, column 1", id="never closed"
        ),
        pytest.param(
            "Subject: x\n\nDear {{ lead.company }}" + FOOT, "W_MISSING_DEFAULT", "line 3, column 6", id="no default"
        ),
    ],
)
def test_a_mail_that_must_not_go_out_is_told_before_it_is_published(
    write: Write, source: str, code: str, where: str
) -> None:
    """D22, D23."""
    problems = write({"intro/email.zh.md": source}).problems("intro", "email")

    assert code in [problem.code for problem in problems]
    if code != "E_MAIL_SUBJECT":
        assert (code, where) in seen(problems) or code == "E_TEMPLATE"
    assert all((problem.severity == "warning") == problem.code.startswith("W_") for problem in problems)


def test_the_place_of_a_flaw_is_line_and_column(write: Write) -> None:
    source = "Subject: x\n\nHello {{ lead.name|default('you') }}, {{ smtp.password }}" + FOOT

    (problem,) = write({"intro/email.zh.md": source}).problems("intro", "email")

    assert str(problem).startswith("content/intro/email.zh.md#line 3, column 39: there is no 'smtp' in a template")


def test_a_flaw_of_the_page_is_told_at_the_line_of_the_source(write: Write) -> None:
    source = (
        "Subject: x\n\n<mjml><mj-body><mj-section><mj-column>\n<mj-text>Hello</mj-text>\n"
        '<mj-text><p style="color: {{ lead.email }}">x</p></mj-text>\n'
        "<mj-text>{{ postal_address }} {{ unsubscribe_url }}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )

    (problem,) = write({"intro/email.zh.mjml": source}).problems("intro", "email")

    assert (problem.code, problem.where) == ("E_TEMPLATE", "line 5")


def test_a_mail_about_something_ordered_needs_no_way_to_stop_it(write: Write) -> None:
    source = "Subject: Your seat\nPurpose: service\n\nIt is reserved.\n"

    assert write({"intro/email.en.md": source}).problems("intro", "email") == []


def test_all_that_is_wrong_is_told_at_once(write: Write) -> None:
    source = "Subject:\nFoo: x\n\n{{ a }}\n{{ b }}\n{{ lead.name|c }}\n"

    problems = write({"intro/email.zh.md": source}).problems("intro", "email")

    assert [problem.code for problem in problems] == [
        "E_CONTENT",
        "E_MAIL_SUBJECT",
        "E_TEMPLATE",
        "E_TEMPLATE",
        "E_TEMPLATE",
    ]


def test_every_content_of_this_repository_is_fit_to_be_sent() -> None:
    catalogue = Catalogue.load(ROOT / "content")

    for content, channels in catalogue.names.items():
        for channel in channels:
            assert catalogue.problems(content, channel) == []
