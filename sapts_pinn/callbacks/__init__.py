"""Callbacks: told before, after every step of, and after a run.

base: `Callback`, which does nothing, and `RunView`, what a callback sees of a run.
functions: Plain functions as callbacks.
early_stop: `EarlyStop`.
checkpoints: `CheckpointWriter`.
progress: `Progress`, a live line.
parts_log: `PartsLog`, reports on the subdomains.
"""

from .base import Callback
from .checkpoints import CheckpointWriter
from .early_stop import EarlyStop
from .parts_log import PartsLog
from .progress import Progress

__all__ = ["Callback", "CheckpointWriter", "EarlyStop", "PartsLog", "Progress"]
