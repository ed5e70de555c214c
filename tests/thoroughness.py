"""How many rounds the tests with random input run: few as a rule, all with ``--all``."""

from __future__ import annotations

import os

ENVIRONMENT_NAME = "TESTS_ARE_EXHAUSTIVE"  # the test workers inherit it


def rounds(usual: int, full: int) -> int:
    return full if ENVIRONMENT_NAME in os.environ else usual
