"""A base for optimizers that start quickly.

PyTorch's `Optimizer` asks `torch.compile` to leave some of its methods alone.  The first such request imports
torch._dynamo, torch._inductor and SymPy, which takes seconds in every process that trains.  Nothing here is
compiled, so the methods are taken as they are below that request.
"""

from __future__ import annotations

from inspect import unwrap

from torch.optim import Optimizer


class Undecorated(Optimizer):
    """`torch.optim.Optimizer` without the import of torch._dynamo."""

    add_param_group = unwrap(Optimizer.add_param_group)
    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)
    zero_grad = unwrap(Optimizer.zero_grad)
