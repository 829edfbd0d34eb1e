"""Interface of the package's own architectures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from ..derivatives.taylor import RULES, Channels
from ..kernels import Layout, NotCompiled


class Network(nn.Module, ABC):
    """A network that knows more about itself than `forward`.

    A subclass defines `forward` and `taylor`, and where it applies `stages` and `layout`.  Modules of PyTorch
    and of users need none of this: they are differentiated by rules for their layers, or by nested forward
    mode.  A class that inherits `taylor` but has a `forward` of its own is treated as such a module.
    """

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "taylor" in vars(cls):
            RULES[cls] = cls.taylor

    @abstractmethod
    def taylor(self, jet: Tensor, channels: Channels) -> Tensor:
        """Carry a Taylor jet [C, N, inputs] through the network, to [C, N, outputs]."""

    def stages(self) -> Sequence[nn.Module]:
        """Return the modules whose composition is this network, for a division into stages."""
        return [self]

    def layout(self) -> Layout:
        """Describe the architecture to the compiled kernels.

        Raises:
            NotCompiled: No kernel knows it.
        """
        raise NotCompiled(f"the kernel does not know {type(self).__name__}")
