"""The long run in short: people come and go, and nothing of theirs stays. Ten minutes of it: bench
media_long.
"""

from __future__ import annotations

import pytest

from tests.benchmarks import media_long


@pytest.mark.late
def test_who_leaves_leaves_no_task_and_no_file_behind():
    found = media_long.measure(rooms=1, seconds=10)
    assert found["joins"] >= 6
    assert found["joins_in_vain"] == 0
    assert found["loss"] < 0.02
    assert found["tasks_after"] <= found["tasks_before"]
    assert found["files_after"] <= found["files_before"]
