"""How to read a campaign."""

from __future__ import annotations

from tests.docs.marked import shown
from tests.docs.node_settings import PAGE, table


def test_the_page_lists_every_setting_of_every_node_type() -> None:
    assert shown(PAGE) == table(), "run `python -m tests.docs.node_settings`"
