"""Multi-indices: which derivative is meant."""

from __future__ import annotations

MultiIndex = tuple[int, ...]
