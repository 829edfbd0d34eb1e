"""Supervised learning: any network, loss and data by the methods of this library."""

from .datasets import DataError
from .objective import Supervised
from .staged import StagedSupervised
from .train import train
from .trained import Trained

__all__ = ["DataError", "StagedSupervised", "Supervised", "Trained", "train"]
