from __future__ import annotations

import pytest

from tests.ports import take_port


@pytest.fixture
def free_port() -> int:
    return take_port()
