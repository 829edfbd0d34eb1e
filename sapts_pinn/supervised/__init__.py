"""Supervised learning: any network, loss and data by the methods of this library."""

from .objective import Supervised

__all__ = ["Supervised"]
