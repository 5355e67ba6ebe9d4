"""The few pages a lead may see: plain, in Chinese and English, with no script and nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape

from nurture.content.forms import Form, FormField

__all__ = ["KEEP", "MAIL_POLICY", "PAGE_POLICY", "PREVIEW_POLICY", "asks", "done", "not_found"]

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; margin: 0;
  background: #fff; color: #1c2430; }
main { max-width: 30rem; margin: 12vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.35rem; margin: 0 0 .25rem; } p { margin: .5rem 0; } [lang=en] { opacity: .75; }
fieldset { border: 0; padding: 0; margin: 1.5rem 0 0; } legend, .label { font-weight: 600; padding: 0; display: block; }
label { display: block; margin: .35rem 0; } small { opacity: .75; display: block; }
input[type=text], input[type=email], input[type=tel], input[type=date], textarea { font: inherit; width: 100%;
  box-sizing: border-box; padding: .5rem .6rem; border: 1px solid #8a93a0; border-radius: .4rem; background: transparent;
  color: inherit; }
.wrong { color: #c22f2f; } .trap { display: none; } a { color: #2563c9; }
@media (prefers-color-scheme: dark) { body { background: #14181f; color: #e6eaf0; } .wrong { color: #ff9a8f; } a { color: #8db8ff; } }
button { font: inherit; padding: .65rem 1.4rem; margin-top: 1rem; border: 0; border-radius: .4rem;
  background: #2563c9; color: #fff; cursor: pointer; }
"""
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A mail brings its styles along in its tags and its pictures from where they are; it runs nothing, and sends nothing.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
# The same mail on the canvas: framed by our own page, without a click that leads anywhere.
PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'; sandbox"
)


WRONG = {
    "missing": "请填写此项 · Please answer this",
    "too_long": "内容太长 · This is too long",
    "not_a_text": "含有无法保存的字符 · This holds characters that cannot be kept",
    "not_a_number": "请填写数字 · Please give a number",
    "not_an_address": "格式不正确 · This does not look right",
    "not_a_date": "请填写日期，如 2026-03-02 · Please give a date such as 2026-03-02",
    "not_a_choice": "请从选项中选择 · Please choose one of these",
}
RHYTHMS = (
    ("", "照常", "As usual"),
    ("weekly", "最多每周一封", "At most one a week"),
    ("monthly", "最多每月一封", "At most one a month"),
)
KEEP = "keep"
"""The pause that there is, unchanged."""
PAUSES = (
    ("", "不暂停", "No pause"),
    ("7", "暂停一周", "A week"),
    ("30", "暂停一个月", "A month"),
    ("90", "暂停三个月", "Three months"),
)


def asks(address: str, preferences: str = "") -> str:
    """Whether this person wants to opt out: a button, because scanners follow links and press no buttons."""
    to = f" {escape(address)}" if address else ""
    return _page(
        "退订 · Unsubscribe",
        f'<h1 lang="zh">不再接收营销消息？</h1><p lang="zh">点击下方按钮后，我们不再向{to} 发送营销消息。</p>'
        f'<p lang="en">Press the button, and we send no more marketing messages to{to or " you"}.</p>'
        '<form method="post"><button name="List-Unsubscribe" value="One-Click">退订 · Unsubscribe</button></form>'
        + (
            f'<p><a href="{escape(preferences)}">少发一些，或暂停一段时间 · Less often, or a pause</a></p>'
            if preferences
            else ""
        ),
    )


def done() -> str:
    return _page(
        "已退订 · Unsubscribed",
        '<h1 lang="zh">已退订</h1><p lang="zh">我们不再向您发送营销消息，立即生效。</p>'
        '<p lang="en">You are unsubscribed, from this moment on.</p>',
    )


def preferences(
    address: str, rhythm: str, paused_until: str, topics: Sequence[tuple[str, str, str, bool]], unsubscribe: str
) -> str:
    """What this person wants to get. `topics` are (tag, Chinese, English, whether it is chosen)."""
    to = f" {escape(address)}" if address else ""
    paused = f'<p lang="zh">已暂停至 {escape(paused_until)}。</p><p lang="en">Paused until {escape(paused_until)}.</p>'
    keep = (KEEP, f"暂停至 {escape(paused_until)}", f"Until {escape(paused_until)}")
    chosen = "".join(
        f'<label><input type="checkbox" name="topic" value="{escape(tag)}"{" checked" if on else ""}>'
        f" {escape(zh)} · {escape(en)}</label>"
        for tag, zh, en, on in topics
    )
    return _page(
        "邮件偏好 · Preferences",
        f'<h1 lang="zh">您想收到什么？</h1><p lang="zh">这里的选择只影响发给{to} 的营销消息。</p>'
        f'<p lang="en">What would you like to get? This is about marketing messages to{to or " you"}.</p>'
        + (paused if paused_until else "")
        + '<form method="post">'
        + _radios("rhythm", "多久一封 · How often", RHYTHMS, rhythm)
        + _radios(
            "pause", "先停一停 · A pause", (keep, *PAUSES) if paused_until else PAUSES, KEEP if paused_until else ""
        )
        + (f"<fieldset><legend>感兴趣的话题 · Topics</legend>{chosen}</fieldset>" if chosen else "")
        + "<button>保存 · Save</button></form>"
        f'<p><a href="{escape(unsubscribe)}">全部退订 · Unsubscribe from everything</a></p>',
    )


def _radios(name: str, legend: str, options: Sequence[tuple[str, str, str]], now: str) -> str:
    inside = "".join(
        f'<label><input type="radio" name="{name}" value="{value}"{" checked" if value == now else ""}> {zh} · {en}</label>'
        for value, zh, en in options
    )
    return f"<fieldset><legend>{legend}</legend>{inside}</fieldset>"


def saved() -> str:
    return _page(
        "已保存 · Saved",
        '<h1 lang="zh">已保存</h1><p lang="zh">从现在起照您的选择办。</p>'
        '<p lang="en">Saved. From now on it is as you wish.</p>',
    )


def form(asked: Form, language: str, given: Mapping[str, Sequence[str]], wrong: Mapping[str, str]) -> str:
    """A form, with what was filled in, and what of it is wrong."""
    questions = "".join(_question(field, given.get(field.name, ()), wrong.get(field.name)) for field in asked.fields)
    intro = "".join(f"<p>{escape(part)}</p>" for part in asked.intro.split("\n\n") if part.strip())
    # A field that no person sees: whoever fills it in is a program.
    trap = '<label class="trap" aria-hidden="true">Website <input type="text" name="website" tabindex="-1" autocomplete="off"></label>'
    return _page(
        escape(asked.title),
        f'<h1>{escape(asked.title)}</h1>{intro}<form method="post">{questions}{trap}<button>提交 · Send</button></form>',
        language,
    )


def _question(field: FormField, given: Sequence[str], wrong: str | None) -> str:
    mark = " *" if field.required else ""
    said = f'<small class="wrong">{WRONG[wrong]}</small>' if wrong else ""
    help = f"<small>{escape(field.help)}</small>" if field.help else ""
    required = " required" if field.required else ""
    value = escape(given[0]) if given else ""
    if field.choices or field.type == "yes_no":
        options = [(choice.value, choice.label) for choice in field.choices] or [("yes", "是 · Yes"), ("no", "否 · No")]
        kind = "checkbox" if field.type == "choices" else "radio"
        inside = "".join(
            f'<label><input type="{kind}" name="{field.name}" value="{escape(one)}"'
            f"{' checked' if one in given else ''}{required if kind == 'radio' else ''}> {escape(label)}</label>"
            for one, label in options
        )
        return f"<fieldset><legend>{escape(field.label)}{mark}</legend>{help}{inside}{said}</fieldset>"
    if field.type == "long_text":
        box = f'<textarea name="{field.name}" rows="4" maxlength="5000"{required}>{value}</textarea>'
    else:
        kind = {"email": "email", "phone": "tel", "date": "date"}.get(field.type, "text")
        mode = ' inputmode="decimal"' if field.type == "number" else ""
        box = f'<input type="{kind}" name="{field.name}" value="{value}" maxlength="500"{mode}{required}>'
    return (
        f'<fieldset><label><span class="label">{escape(field.label)}{mark}</span>{help}{box}</label>{said}</fieldset>'
    )


def thanks(asked: Form, language: str) -> str:
    text = asked.thanks or "谢谢，您的回答已收到。 · Thank you, we have your answers."
    return _page(escape(asked.title), f"<h1>{escape(asked.title)}</h1><p>{escape(text)}</p>", language)


def not_found() -> str:
    """The same for every token that we do not know, whatever is wrong with it."""
    return _page(
        "没有此页 · Not found",
        '<h1 lang="zh">没有此页</h1><p lang="zh">链接可能不完整，请从邮件中重新打开。</p>'
        '<p lang="en">There is no such page. The link may be incomplete; please open it from the message again.</p>',
    )


def _page(title: str, body: str, language: str = "zh") -> str:
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
