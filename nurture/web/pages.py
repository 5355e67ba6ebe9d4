"""The few pages a lead may see: plain, in Chinese and English, with no script and nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

__all__ = ["MAIL_POLICY", "PAGE_POLICY", "asks", "done", "not_found"]

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; margin: 0; }
main { max-width: 30rem; margin: 12vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.35rem; margin: 0 0 .25rem; } p { margin: .5rem 0; } [lang=en] { opacity: .75; }
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


def asks(address: str) -> str:
    """Whether this person wants to opt out: a button, because scanners follow links and press no buttons."""
    to = f" {escape(address)}" if address else ""
    return _page(
        "退订 · Unsubscribe",
        f'<h1 lang="zh">不再接收营销消息？</h1><p lang="zh">点击下方按钮后，我们不再向{to} 发送营销消息。</p>'
        f'<p lang="en">Press the button, and we send no more marketing messages to{to or " you"}.</p>'
        '<form method="post"><button name="List-Unsubscribe" value="One-Click">退订 · Unsubscribe</button></form>',
    )


def done() -> str:
    return _page(
        "已退订 · Unsubscribed",
        '<h1 lang="zh">已退订</h1><p lang="zh">我们不再向您发送营销消息，立即生效。</p>'
        '<p lang="en">You are unsubscribed, from this moment on.</p>',
    )


def not_found() -> str:
    """The same for every token that we do not know, whatever is wrong with it."""
    return _page(
        "没有此页 · Not found",
        '<h1 lang="zh">没有此页</h1><p lang="zh">链接可能不完整，请从邮件中重新打开。</p>'
        '<p lang="en">There is no such page. The link may be incomplete; please open it from the message again.</p>',
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
