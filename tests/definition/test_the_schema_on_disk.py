"""The schema that editors read beside the campaigns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[2]


def test_the_schema_beside_the_campaigns_is_that_of_the_installed_types() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "nurture.cli", "schema", "--json"], cwd=HOME, capture_output=True, text=True, check=True
    )

    assert json.loads(printed.stdout) == json.loads((HOME / "definitions" / "schema.json").read_text())
