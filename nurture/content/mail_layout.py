"""The page around a mail that was written in Markdown: one quiet column, readable in the dark and by a screen reader."""

from __future__ import annotations

import re
from html import escape

__all__ = ["hidden_preheader", "page"]

_FONTS = {
    "zh": "'PingFang SC', 'Hiragino Sans GB', 'Microsoft YaHei', 'Noto Sans CJK SC', Arial, sans-serif",
    "": "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
}

# `color-scheme` keeps clients from inverting the colours themselves; what they cannot read of the style they leave out.
_PAGE = """\
<!doctype html>
<html lang="LANG">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>TITLE</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; padding: 0; background: #f3f4f2; color: #1d2320; -webkit-text-size-adjust: 100%; }
.mail { font-family: FONT; font-size: 16px; line-height: 1.65; background: #ffffff; padding: 32px 36px; }
.mail p, .mail ul, .mail ol, .mail blockquote, .mail table { margin: 0 0 18px; }
.mail h1 { font-size: 24px; line-height: 1.3; margin: 0 0 18px; }
.mail h2 { font-size: 19px; line-height: 1.4; margin: 28px 0 12px; }
.mail h3 { font-size: 16px; margin: 24px 0 8px; }
.mail a { color: #0b6b4f; }
.mail li { margin: 0 0 6px; }
.mail img { max-width: 100%; height: auto; border: 0; }
.mail blockquote { border-left: 3px solid #c9d3cd; padding-left: 16px; color: #4b554f; }
.mail th, .mail td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid #e2e6e3; }
.mail pre { background: #f3f4f2; padding: 14px; overflow-x: auto; }
.mail hr { border: 0; border-top: 1px solid #e2e6e3; margin: 32px 0 20px; }
.mail .action a { display: inline-block; background: #0b6b4f; color: #ffffff; padding: 11px 22px; border-radius: 4px;
  text-decoration: none; }
.mail .foot, .mail .foot a { font-size: 13px; line-height: 1.6; color: #646e68; }
@media (max-width: 480px) { .mail { padding: 24px 20px; } }
@media (prefers-color-scheme: dark) {
  body { background: #141816; color: #e6eae8; }
  .mail { background: #1c211f; }
  .mail a { color: #6fcfac; }
  .mail blockquote { border-color: #3b4640; color: #b4beb9; }
  .mail th, .mail td, .mail hr { border-color: #343c38; }
  .mail pre { background: #141816; }
  .mail .action a { background: #6fcfac; color: #10241c; }
  .mail .foot, .mail .foot a { color: #97a29c; }
}
</style>
</head>
<body>
PREHEADER<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center">
<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" style="width: 100%; max-width: 600px">
<tr><td class="mail" style="font-family: FONT; text-align: left">
BODY
</td></tr></table>
</td></tr></table>
</body>
</html>
"""

# A paragraph with nothing in it but one strong link is what a reader is meant to do.
_action = re.compile(r"<p>(<strong><a [^>]*>[^<]*</a></strong>|<a [^>]*><strong>[^<]*</strong></a>)</p>")


def page(body: str, *, language: str, title: str, preheader: str) -> str:
    """The whole page around this body. `title` and `preheader` are HTML already; what follows the last line is small."""
    before, rule, foot = _action.sub(r'<p class="action">\1</p>', body).rpartition("<hr />")
    if rule:
        body = f'{before}<hr />\n<div class="foot">{foot.strip()}\n</div>'
    else:
        body = foot
    # Words, not braces: the page is made a template after this.
    parts = {
        "LANG": escape(language, quote=True),
        "FONT": _FONTS["zh" if language.lower().startswith("zh") else ""],
        "TITLE": title,
        "PREHEADER": hidden_preheader(preheader),
        "BODY": body.strip(),
    }
    return re.sub("LANG|FONT|TITLE|PREHEADER|BODY", lambda word: parts[word[0]], _PAGE)


def hidden_preheader(preheader: str) -> str:
    """What an inbox shows beside the subject; the mail itself does not show it."""
    if not preheader:
        return ""
    hidden = (
        "display: none; max-height: 0; max-width: 0; overflow: hidden; opacity: 0; font-size: 1px; line-height: 1px"
    )
    return f'<div style="{hidden}" aria-hidden="true">{preheader}</div>\n'
