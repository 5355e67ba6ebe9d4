"""Pictures of all there is to see, for eyes: a sheet for each width, in Chinese and light, in English and dark.

    python -m tests.editor.gallery [FOLDER] [WORD ...]      only the sights whose name holds one of the words

A sheet holds the pictures side by side with their names; the pictures themselves lie beside it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection, Mapping
from html import escape
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from tests.editor import town
from tests.editor.serving import CHROMIUM, served
from tests.editor.sights import ALL, Sight

HEIGHTS = {390: 844, 1280: 800}
ACROSS = {390: 7, 1280: 3}
"""Pictures in a row of a sheet."""
LOOKS = (("zh-CN", "light"), ("en-US", "dark"))
"""Each language and each theme once: they do not meet anywhere."""


def taken(browser: Browser, address: str, links: Mapping[str, str], sights: Mapping[str, Sight], folder: Path) -> None:
    for width, (locale, theme) in product(HEIGHTS, LOOKS):
        context = browser.new_context(
            locale=locale,
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            timezone_id="Asia/Shanghai",
        )
        kind = f"{width}-{locale[:2]}-{theme}"
        for name, sight in sights.items():
            page = context.new_page()
            page.set_default_timeout(15_000)
            page.goto(address + links.get(sight.path, sight.path))
            try:
                page.locator(sight.there).first.wait_for()
                sight.opened(page)
            except Error as error:
                print(f"{kind}, {name}: {error.message.splitlines()[0]}", file=sys.stderr)
            page.screenshot(path=folder / f"{kind}-{_file(name)}.png")
            page.close()
        context.close()
        _sheet(browser, folder, kind, sights, width)


def _sheet(browser: Browser, folder: Path, kind: str, names: Collection[str], width: int) -> None:
    pictures = "".join(
        f'<figure><img src="{kind}-{_file(name)}.png"><figcaption>{escape(name)}</figcaption></figure>'
        for name in names
    )
    style = (
        f"body {{ display: grid; grid-template-columns: repeat({ACROSS[width]}, 1fr); gap: 8px; margin: 8px;"
        " background: #777; font: 13px sans-serif; color: #fff } figure { margin: 0 } img { width: 100% }"
    )
    html = folder / f"{kind}.html"
    html.write_text(f"<!doctype html><meta charset=utf-8><style>{style}</style>{pictures}", encoding="utf-8")
    page = browser.new_page(viewport={"width": 1800, "height": 1000})
    page.goto(html.as_uri())
    page.screenshot(path=folder / f"{kind}.png", full_page=True)
    page.close()


def _file(name: str) -> str:
    return name.replace(" ", "_").replace("'", "")


def main(folder: Path, words: Collection[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sights = {name: sight for name, sight in ALL.items() if not words or any(word in name for word in words)}
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        town.founded(Path(home))
        with served(Path(home)) as address:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            taken(browser, address, town.links(Path(home)), sights, folder.resolve())
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "gallery"), sys.argv[2:])
