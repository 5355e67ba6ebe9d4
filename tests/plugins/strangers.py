"""Packages of other people, and an environment of its own in which they are really installed and uninstalled."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.ran import Ran

__all__ = ["ENTRY_POINTS", "Environment", "wheel"]

ENTRY_POINTS = {"nodes": "nurture.nodes", "channels": "nurture.channels"}


def wheel(folder: Path, name: str, files: Mapping[str, str], **offers: Mapping[str, str]) -> Path:
    """A wheel as any build tool would make it: `offers` is `nodes={"greet": "acme:Greet"}`, and `channels=...`."""
    normal = name.replace("-", "_")
    info = f"{normal}-1.0.dist-info"
    points = "\n".join(
        f"[{ENTRY_POINTS[group]}]\n" + "".join(f"{point} = {target}\n" for point, target in points.items())
        for group, points in offers.items()
    )
    inside = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: nurtureflow\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
    }
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text.encode())}"
        for path, text in inside.items()
    ]
    inside[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{normal}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in inside.items():
            archive.writestr(inner, text)
    return path


class Environment:
    """A virtual environment that sees what this one has, and takes in packages of its own."""

    def __init__(self, folder: Path, **variables: str) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / "bin" / "python"
        packages = next((folder / "lib").glob("python*")) / "site-packages"
        # Ours come after its own; `addsitedir` follows the editable install, as a plain line would not.
        ours = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
        lines = [f"import site; site.addsitedir({place!r})" for place in ours]
        (packages / "ours.pth").write_text("\n".join(lines) + "\n")
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("NURTURE_", "PYTHON", "PIP_"))
        }
        self.variables = {**kept, "PYTHONPATH": "", **variables}

    def run(self, *command: str, cwd: Path | None = None) -> Ran:
        """`python` and what follows."""
        done = subprocess.run(
            [str(self.python), *command], capture_output=True, text=True, cwd=cwd, env=self.variables, check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def pip(self, *command: str, cwd: Path | None = None) -> Ran:
        """A real pip that cannot reach any network; it must succeed."""
        options = ("--quiet", "--disable-pip-version-check", "--no-input")
        verb, *rest = command
        offline = ("--no-index", "--no-deps", "--no-build-isolation") if verb in ("install", "wheel") else ()
        done = self.run("-m", "pip", *options, verb, *offline, *rest, cwd=cwd)
        assert done.status == 0, done.err
        return done

    def install(self, *packages: Path) -> None:
        self.pip("install", *map(str, packages))

    def uninstall(self, *names: str) -> None:
        self.pip("uninstall", "--yes", *names)

    def nurture(self, *words: object, cwd: Path | None = None) -> Ran:
        """The command. Whatever happens, nobody is shown a traceback."""
        ran = self.run("-m", "nurture.cli", *map(str, words), cwd=cwd)
        assert "Traceback" not in ran.out + ran.err, ran.err
        return ran
