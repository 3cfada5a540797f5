"""One set of facts for all tests of a trainer."""

from __future__ import annotations

import pytest
from support import stepped_rewards


@pytest.fixture(scope="session")
def stepped() -> dict[str, float]:
    return stepped_rewards()
