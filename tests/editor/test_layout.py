"""Where boxes stand that nobody has moved: edges are counted where they are drawn, with all their curves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.editor.conftest import Serving

ROOT = Path(__file__).resolve().parents[2]
CROSSINGS = """() => {
    const lines = [...document.querySelectorAll('.react-flow__edge')].map((edge) => {
        const path = edge.querySelector('.react-flow__edge-path');
        const steps = Math.ceil(path.getTotalLength() / 6);
        const points = Array.from({ length: steps + 1 }, (_, n) => path.getPointAtLength(n * path.getTotalLength() / steps));
        return { name: edge.dataset.id, points };
    });
    const side = (a, b, c) => Math.sign((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x));
    const cross = (a, b, c, d) => side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
    const found = [];
    for (const [n, one] of lines.entries()) for (const other of lines.slice(n + 1)) {
        // Edges to the same box become one line before they reach it.
        const end = one.points.at(-1), same = Math.hypot(end.x - other.points.at(-1).x, end.y - other.points.at(-1).y) < 1;
        let times = 0;
        for (let i = 1; i < one.points.length; i++) {
            const [a, b] = [one.points[i - 1], one.points[i]];
            if (same && end.y - b.y < 40) break;
            for (let k = 1; k < other.points.length; k++) {
                const [c, d] = [other.points[k - 1], other.points[k]];
                if (Math.max(c.y, d.y) >= Math.min(a.y, b.y) && Math.min(c.y, d.y) <= Math.max(a.y, b.y) && cross(a, b, c, d)) times++;
            }
        }
        for (; times > 0; times--) found.push(`${one.name} x ${other.name}`);
    }
    return found;
}"""


FORCED = {"activation": 6, "drip": 6, "welcome": 6}
"""Crossings that no order of the boxes takes away, because ways out leave a box in an order of their own.

Of questions side by side whose *yes* leads to one box and whose *no* to another, every two cross once: with the four of
drip 6, with the two times three of activation 3 + 3, with the first three of welcome 3, the last of them on its way past
the second try. Welcome's other three: of the four responses that lead in turn to two boxes, two; and twice a hand-off
whose *returned* stands between *accepted* and the hand-off that follows, which has an *accepted* of its own.
"""


def crossings(page: Page, address: str, campaign: str) -> list[str]:
    page.goto(f"{address}/campaign/{campaign}")
    page.locator(".react-flow__edge").first.wait_for(state="attached")
    return list(page.evaluate(CROSSINGS))


@pytest.mark.parametrize("campaign", sorted(FORCED))
def test_no_edges_of_a_shipped_campaign_cross_but_those_that_have_to(
    tmp_path: Path, serving: Serving, page: Page, campaign: str
) -> None:
    for name in ("definitions", "content"):
        shutil.copytree(ROOT / name, tmp_path / name)
    with serving(tmp_path) as address:
        found = crossings(page, address, campaign)

    assert len(found) == FORCED[campaign], found


PLAIN: dict[str, dict[str, Any]] = {
    "a yes on the left, a no that goes on": {
        "a": {"type": "check", "next": {"yes": "hot", "no": "b"}},
        "b": {"type": "check", "next": {"yes": "hot", "no": "c"}},
        "c": {"type": "check", "next": {"yes": "hot", "no": "end"}},
        "hot": {"type": "tag", "next": "end"},
    },
    "a no that goes on, a yes past all of them": {
        "a": {"type": "check", "next": {"yes": "b", "no": "cold"}},
        "b": {"type": "check", "next": {"yes": "c", "no": "cold"}},
        "c": {"type": "check", "next": {"yes": "end", "no": "cold"}},
        "cold": {"type": "tag", "next": "end"},
    },
    "named in another order than drawn": {
        "a": {"type": "check", "next": {"yes": "z", "no": "y"}},
        "y": {"type": "check", "next": {"yes": "x", "no": "w"}},
        "z": {"type": "check", "next": {"yes": "v", "no": "x"}},
        "v": {"type": "tag", "next": "end"},
        "w": {"type": "tag", "next": "end"},
        "x": {"type": "tag", "next": "end"},
    },
}


@pytest.mark.parametrize("nodes", PLAIN.values(), ids=PLAIN.keys())
def test_where_no_edges_need_to_cross_none_do(
    home: Path, serving: Serving, page: Page, nodes: dict[str, dict[str, Any]]
) -> None:
    (home / "definitions/plain.json").write_text(json.dumps({"campaign": "plain", "start": "a", "nodes": nodes}))
    with serving(home) as address:
        assert crossings(page, address, "plain") == []
