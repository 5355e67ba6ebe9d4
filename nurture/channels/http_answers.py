"""What an HTTP status means for one message: it is gone, not yet, or never. Pure."""

from __future__ import annotations

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from nurture.channels.base import Ambiguous, NotSent, Refused, Sent, Verdict
from nurture.channels.egress import Answer

__all__ = ["FAR_LATER", "json_bytes", "json_object", "judge_status", "not_configured"]

FAR_LATER = timedelta(hours=12)
"""Only an operator can help, and nobody gains by asking every few minutes."""

_OURS = frozenset({401, 402, 403, 404, 405, 407, 410, 411, 421, 426, 501, 505, 511})
"""Keys, address or protocol: the fault lies with the settings, not with the message."""
_LATER = frozenset({408, 423, 425, 429, 503})
"""By their definition, the request was not acted on."""
_CONTENT = frozenset({400, 415, 422})


def not_configured(*names: str) -> NotSent:
    return NotSent("sender", f"not configured: set {' and '.join(names)}", FAR_LATER)


def judge_status(answer: Answer, *, repeatable: bool) -> Verdict:
    """The verdict on a message whose request was answered so.

    `repeatable`: the receiver tells repeats apart by their key, so that whatever is unclear may be asked again.
    """
    status = answer.status
    try:
        detail = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        detail = str(status)
    if 200 <= status < 300:
        return Sent(detail)
    if status in _LATER:
        return NotSent("temporary", detail, answer.retry_after)
    if status in _OURS:
        return NotSent("sender", detail)
    if status in (301, 302, 307, 308):
        return NotSent("sender", f"{detail}: redirects are not followed; set the URL it leads to")
    if status == 413:
        return Refused("too_large", detail)
    if status in _CONTENT:
        return Refused("bad_content", detail)
    if 400 <= status < 500 and status != 409:
        return Refused("policy", detail)
    # 409 is said while the same key is being worked on; 5xx may come after the work was done.
    return NotSent("temporary", detail, answer.retry_after) if repeatable else Ambiguous(detail)


def json_bytes(value: Any) -> bytes:
    """Compact UTF-8. Raises `UnicodeEncodeError` for half a character."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_object(body: bytes | None) -> dict[str, Any] | None:
    """The JSON object that a peer sent, or None."""
    try:
        said = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
