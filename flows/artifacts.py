"""What a run leaves behind to look at: the campaign's picture with counts, tables, how far it got.

Artifacts hold counts, names of nodes and reasons, never anything about a person.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_image_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from nurture.engine.letting_in import count_rows

__all__ = ["Progress", "key", "show_counts", "show_nodes", "show_picture"]

Rows = Sequence[Mapping[str, Any]]


def key(*words: str) -> str:
    """A key for an artifact, in the letters Prefect allows: runs with the same key form one history."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")


def show_picture(campaign: str, svg: str) -> None:
    """The campaign as a picture. A data URI, because both of Prefect's UIs show it and nothing has to be served."""
    uri = "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
    create_image_artifact(uri, key=key("campaign", campaign), description=f"**{campaign}** with the counts of now")


def show_nodes(campaign: Mapping[str, Any], *, conserved: bool) -> None:
    """A table of a campaign's nodes: who came, who is there, who left which way. As `nurture status --json` has it.

    `conserved`: whether the numbers of the whole installation add up.
    """
    name = str(campaign["campaign"])
    rows = [
        {"node": node, "entered": counts["entered"], "here": counts["here"], "left": _listed(counts["outcomes"])}
        for node, counts in campaign["nodes"].items()
    ]
    create_table_artifact(
        rows,
        key=key("nodes", name),
        description=(
            f"**{name}**: {campaign['entered']} entered, {campaign['waiting']} waiting, {campaign['due']} due, "
            f"{campaign['stuck']} stuck; ended: {_listed(campaign['ended']) or 'none yet'}. "
            + ("It adds up." if conserved else "**It does not add up: run `nurture doctor`.**")
        ),
    )


def show_counts(name: str, title: str, counts: Mapping[str, Any]) -> None:
    """Counts as a table of two columns; nested ones by their path."""
    create_table_artifact(
        [{"what": what, "how many": value} for what, value in count_rows(counts)], key=key(name), description=title
    )


class Progress:
    """A bar in Prefect's UI. Told of every batch, it passes on at most one report a second."""

    def __init__(self, name: str, title: str) -> None:
        made = create_progress_artifact(0.0, key=key(name), description=title)
        assert isinstance(made, UUID)  # a coroutine only inside async code
        self._id = made
        self._told = monotonic()

    def at(self, share: float) -> None:
        """This share of the work is done, from 0 to 1."""
        if share >= 1 or monotonic() - self._told >= 1:
            self._told = monotonic()
            update_progress_artifact(self._id, progress=round(100 * min(max(share, 0.0), 1.0), 1))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
