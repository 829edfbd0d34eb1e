"""Name for the context of an `autograd.Function`, in which its forward pass leaves what the others need."""

from __future__ import annotations

from typing import Any

Context = Any  # PyTorch's own annotation: it has the attributes that `forward` or `setup_context` has set
