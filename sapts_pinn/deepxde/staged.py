"""A DeepXDE network as a chain of stages, for SAPTS_IP.

What travels from stage to stage are the derivatives at the points (`propagation`); the loss, which DeepXDE
computes, is the end of the last stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from ..errors import InputError
from ..networks.mlp import ACTIVATION_NAMES
from ..pipeline.microbatch import MicroBatch
from ..pipeline.pipeline_objective import PipelineObjective
from ..pipeline.stages import StageChain, shape_of
from .propagation import MAX_ORDER, Table

if TYPE_CHECKING:
    from .objective import DeepXDEObjective


def staged(objective: DeepXDEObjective, parts: int) -> PipelineObjective:
    """The loss of a model, divided into the stages of its network.

    Args:
        objective: The loss; its parameters are the network's.
        parts: Number of stages.

    Raises:
        InputError: The network has fewer layers, its derivatives cannot be propagated, or the loss depends on
            parameters in another way than through the network.
    """
    plan = objective.plan
    refusal = InputError(
        "this model cannot be cut into stages: it takes a deepxde.nn.FNN of tanh, sin, swish or gelu, and "
        f"derivatives of order {MAX_ORDER} at most; use 'sapts-p'"
    )
    if plan is None:
        raise refusal
    if len(objective.parameters) > len(plan.weights) or objective.l1 or objective.l2:
        what = "regularization" if objective.l1 or objective.l2 else "external_trainable_variables"
        raise InputError(f"stages know nothing of {what}, which do not belong to a layer; use 'sapts-p'")
    linears, activations = list(plan.net.linears), plan.layout.activations
    pairs = zip(linears[:-1], activations, strict=True)
    layers = [layer for linear, name in pairs for layer in (linear, ACTIVATION_NAMES[name]())]
    chain = StageChain(nn.Sequential(*layers, linears[-1]), parts)
    inputs, channels = plan.enter(objective.inputs), plan.channels
    shapes, x = [], inputs[0].to("meta")
    for stage in chain.stages:
        x = shape_of(stage, x)
        shapes.append(x.new_empty(len(channels), *x.shape))

    def end(out: Tensor, _: Mapping[str, Tensor]) -> Tensor:
        table = Table(dict(zip(channels.indices, out.unbind(), strict=True)))
        return objective.loss_of(lambda points: plan.field(points, lambda _: table))

    found = PipelineObjective(chain, [MicroBatch("loss", channels, inputs, shapes, end)], objective.counters)
    # A compiled plan was tested when it was made.
    if not objective.compiled and not objective.is_deepxde(found):
        raise refusal
    return found
