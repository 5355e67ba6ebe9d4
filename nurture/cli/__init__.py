"""The command line, `nurture`. Each verb is loaded when it is called, so that `nurture --help` loads no engine."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one verb. Exit status: 0 done, 1 the input or the state has problems, 2 wrong usage, 3 the environment is
    broken, 130 interrupted. Never a traceback, unless Python's development mode (`python -X dev`) asks for it."""
    from nurture.cli.answer import Answer, complain, deliver, survive_any_encoding, survive_closed_streams
    from nurture.cli.app import app
    from nurture.cli.failures import explain

    asked = list(sys.argv[1:] if tokens is None else tokens)
    as_json = "--json" in (asked[: asked.index("--")] if "--" in asked else asked)
    survive_closed_streams()
    survive_any_encoding()
    try:
        answer = app(asked[0] if asked else "")(asked)
        if isinstance(answer, Answer):
            return deliver(answer)
        return answer if isinstance(answer, int) else 0
    except KeyboardInterrupt:
        complain([], "stopped; whatever was written is whole, and the same command goes on from there")
        return 130
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        status, problems = explain(error)
        return complain(problems, as_json=as_json, status=status)
