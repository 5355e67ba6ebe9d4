"""How fluid 500 nodes are: script time a frame while panning and dragging, against React Flow as it comes.

    python -m bench.canvas [ROUNDS]

The plain canvas is a page of its own (`bench/plain_canvas`) with as many plain nodes, in the same tree and with the
same edges, and like ours draws only what is in view; it is built here by the canvas's own Vite and is no part of what is shipped. Frames are not held back to the
screen's 60 a second, and the browser's own clock of the main thread says what each of them cost. Rounds alternate; the
ratio is the median of theirs. Needs Chromium, Node and `npm ci` in editor/; measures nothing in CI.
"""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from nurture.engine import Engine
from nurture.settings import Settings
from nurture.web.app import app

ROOT = Path(__file__).resolve().parents[1]
PLAIN = ROOT / "bench" / "plain_canvas"
NODES = 500
MOVES = 60
UNCAPPED = ("--no-sandbox", "--disable-frame-rate-limit", "--disable-gpu-vsync")
FRAMES = """() => { window.frames_ = 0; window.began_ = performance.now();
    const tick = () => { window.frames_ += 1; requestAnimationFrame(tick); }; requestAnimationFrame(tick); }"""
VIEW = """() => {
    const place = (e) => new DOMMatrix(getComputedStyle(e).transform);
    const [to, n0] = [".react-flow__viewport", '.react-flow__node[data-id="n0"]'].map((s) =>
        place(document.querySelector(s)));
    return { viewport: { x: to.e, y: to.f, zoom: to.a }, x: n0.e, y: n0.f }; }"""


class Cost(NamedTuple):
    """What one round of moves cost."""

    script: float
    """Milliseconds of script for each move of the hand."""
    work: float
    """Milliseconds of the main thread in all, script, style and layout, for each move."""
    frame: float
    """Milliseconds from frame to frame."""


def campaign() -> dict[str, Any]:
    """A tree of questions, each with two ways."""
    nodes: dict[str, Any] = {}
    for n in range(NODES):
        ways = {way: f"n{2 * n + k}" if 2 * n + k < NODES else "end" for k, way in ((1, "yes"), (2, "no"))}
        nodes[f"n{n}"] = {"type": "check", "when": {"field": "tags", "op": "has", "value": "x"}, "next": ways}
    return {"campaign": "large", "start": "n0", "nodes": nodes}


def given(view: dict[str, Any]) -> dict[str, Any]:
    """The same tree for the plain page, its root where ours has it, each level as wide as its boxes need."""
    nodes = []
    for n in range(NODES):
        level = (n + 1).bit_length() - 1
        across = n + 1 - 1.5 * 2**level + 0.5
        nodes.append({"id": f"n{n}", "position": {"x": view["x"] + 260 * across, "y": view["y"] + 160 * level}})
    lines = [{"id": f"e{n}", "source": f"n{(n - 1) // 2}", "target": f"n{n}"} for n in range(1, NODES)]
    return {"nodes": nodes, "edges": lines, "viewport": view["viewport"]}


def moved(page: Page) -> Cost:
    """Pan the canvas, then drag its first box."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.evaluate(FRAMES)
    before = _metrics(session)
    _stroke(page, 200, 700, 1, -1)
    found = page.locator('.react-flow__node[data-id="n0"]').bounding_box()
    assert found is not None
    _stroke(page, found["x"] + found["width"] / 2, found["y"] + found["height"] / 3, 2, 1)
    frames, took = page.evaluate("() => [window.frames_, performance.now() - window.began_]")
    spent = {name: 1000 * (value - before[name]) for name, value in _metrics(session).items()}
    return Cost(spent["ScriptDuration"] / (2 * MOVES), spent["TaskDuration"] / (2 * MOVES), took / frames)


def _stroke(page: Page, x: float, y: float, dx: float, dy: float) -> None:
    page.mouse.move(x, y)
    page.mouse.down()
    for n in range(MOVES):
        page.mouse.move(x + dx * n, y + dy * n)
    page.mouse.up()


def _metrics(session: Any) -> dict[str, float]:
    told = session.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in told if one["name"] in ("ScriptDuration", "TaskDuration")}


def opened(browser: Browser, address: str) -> tuple[Page, float]:
    """The page with its boxes, and how many seconds it took."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.locator('.react-flow__node[data-id="n0"]').wait_for()
    return page, page.evaluate("() => performance.now()") / 1000


@contextmanager
def ours(home: Path) -> Iterator[str]:
    (home / "definitions").mkdir()
    (home / "definitions/large.json").write_text(json.dumps(campaign()))
    settings = Settings(home=home, database_url="sqlite:///nurture.db")
    with Engine.open(settings) as engine, socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(uvicorn.Config(app(engine), log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}/campaign/large"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def plain(built: Path) -> Iterator[str]:
    quiet = functools.partial(_Quiet, directory=str(built))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


def build(into: Path) -> None:
    """The plain page, by the Vite and the packages of editor/, whose folder it borrows for the time of the build."""
    vite = ROOT / "editor/node_modules/.bin/vite"
    with tempfile.TemporaryDirectory(dir=ROOT / "editor", prefix=".plain-") as folder:
        shutil.copytree(PLAIN, folder, dirs_exist_ok=True)
        command = [str(vite), "build", folder, "--outDir", str(into), "--emptyOutDir", "--base", "/"]
        subprocess.run([*command, "--logLevel", "warn"], check=True, cwd=folder)


def main(rounds: int) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        built = Path(folder, "plain")
        build(built)
        home = Path(folder, "home")
        home.mkdir()
        browser = playwright.chromium.launch(executable_path=chromium, args=list(UNCAPPED))
        seconds: list[float] = []
        pairs: list[tuple[Cost, Cost]] = []
        with ours(home) as our_address, plain(built) as plain_address:
            for _ in range(rounds):
                page, took = opened(browser, our_address)
                seconds.append(took)
                view = page.evaluate(VIEW)
                mine = moved(page)
                page.close()
                (built / "given.json").write_text(json.dumps(given(view)))
                page, _ = opened(browser, plain_address)
                pairs.append((mine, moved(page)))
                page.close()
        browser.close()
    print(f"open {median(seconds):.2f} s, {NODES} nodes, {rounds} rounds")
    for name in Cost._fields:
        both = [(getattr(a, name), getattr(b, name)) for a, b in pairs]
        one, other, ratio = (median(each) for each in (*zip(*both, strict=True), [a / b for a, b in both]))
        print(f"{name}: {one:.2f} ms, plain {other:.2f} ms, ratio {ratio:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
