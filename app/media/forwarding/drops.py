"""Packets of this process that were not forwarded, counted by reason."""

from __future__ import annotations

from collections import Counter

DROPPED_PACKETS: Counter[str] = Counter()
"""Reason to count. Every packet that ends in this process without being sent is counted here."""
