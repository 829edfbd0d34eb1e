"""Networks of the comparisons, one a file; all are chains of layers, so that they can be cut into stages."""

from .cnn import SmallCNN
from .gpt import GPT
from .mlp import MLP
from .resnet import ResNet

__all__ = ["GPT", "MLP", "ResNet", "SmallCNN"]
