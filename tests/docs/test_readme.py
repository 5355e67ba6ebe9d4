"""The README's first screen."""

from __future__ import annotations

import re
from pathlib import Path

from nurture import definition
from nurture.content import Catalogue
from nurture.drawing import picture
from nurture.engine.publishing import world
from nurture.plan import compile

ROOT = Path(__file__).parents[2]


def test_the_picture_is_that_of_the_campaign_above_it() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    plan, _ = compile(definition.load(shown), world(Catalogue.load(ROOT / "content")))
    assert plan is not None

    assert picture.svg(plan) == (ROOT / "docs" / "hello.svg").read_text()
