"""Runs of DeepXDE models with our methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Build = Callable[..., Any]


def train(model: Any, iterations: int = 20, **options: Any) -> tuple[Any, Any]:
    return model.train(iterations=iterations, **options)


def compile_(model: Any, name: str, **options: Any) -> Any:
    if hasattr(model, "coefficient"):
        options["external_trainable_variables"] = [model.coefficient]
    model.compile(name, **options)
    return model
