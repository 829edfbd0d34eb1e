"""Multi-indices of derivatives: sorted tuples of coordinate positions."""

from __future__ import annotations

MultiIndex = tuple[int, ...]
