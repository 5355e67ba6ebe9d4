"""The deployments do what the engine does, in Prefect's clothes: same counts, same sends, in a real server."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.prefect, pytest.mark.slow]
