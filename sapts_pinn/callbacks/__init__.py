"""Callbacks: told before, after every step of, and after a run, and of its result.

base: `Callback`, which does nothing, and `RunView`, what a callback sees of a run.
functions: Plain functions as callbacks.
early_stop: `EarlyStop`.
checkpoints: `CheckpointWriter`.
progress: `Progress`, a live line.
parts_log: `PartsLog`, reports on the subdomains.
tracking: Trackers, which hand figures and pictures to other programmes.
tensorboard: `TensorBoard`.
weights_and_biases: `WandB`.
"""

from .base import Callback
from .checkpoints import CheckpointWriter
from .early_stop import EarlyStop
from .parts_log import PartsLog
from .progress import Progress
from .tensorboard import TensorBoard
from .weights_and_biases import WandB

__all__ = ["Callback", "CheckpointWriter", "EarlyStop", "PartsLog", "Progress", "TensorBoard", "WandB"]
