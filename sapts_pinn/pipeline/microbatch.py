"""Micro-batches: points of a term, or samples, that pass through the stages of a network together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..derivatives.multi_index import MultiIndex
from ..derivatives.taylor import Channels
from ..networks.model import Location
from ..objectives.base import drawing
from ..objectives.residual_block import ResidualBlock
from ..problems import Sites, Term
from .stages import ModelStageChain, Stage, StageChain, shape_of

STRIDE = 1_000_003  # between the seeds of two stages

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class MicroBatch:
    """Points, or samples, that pass through the stages together.

    Attributes:
        name: Name of their term of the loss.
        channels: Channels of the Taylor jets; None for plain activations.
        inputs: Input of the first stage; used by the rank that has it.
        shapes: Output of each stage, as tensors without storage.
        end: Function of the last stage's output and the coefficients; used by the rank that has it.
        fold: Points that share one loss, where `end` gives a loss [N / fold] for each of them, which is never
            negative; 0 where it gives the loss of all samples.
        seed: Seed of random layers such as dropout; None without any.  Every stage draws by itself, so
            that it draws the same in its own objective, and on whatever rank.
    """

    name: str
    channels: Channels | None
    inputs: Tensor
    shapes: list[Tensor]
    end: Callable[[Tensor, Mapping[str, Tensor]], Tensor]
    fold: int = 0
    seed: int | None = None

    def by_point(self, jet: Tensor) -> Tensor:
        """Sums over all channels and features of the points that share a loss: of [C, N, W], [N / fold]."""
        return jet.sum((0, 2)).view(self.fold, -1).sum(0)

    def through(self, stage: Stage, s: int, weights: Weights, x: Tensor) -> Tensor:
        """Output of stage s for input x; of the last stage, with `end` applied."""
        draws = nullcontext() if self.seed is None else drawing(self.seed + STRIDE * s, [x.device])
        with draws:
            out = stage.at(weights, x, self.channels)
            return self.end(out, stage.known(weights)) if s == len(self.shapes) - 1 else out


def jet_shapes(
    chain: ModelStageChain, points: int, needs: Mapping[str, Iterable[MultiIndex]]
) -> tuple[Channels, list[Tensor]]:
    """Channels for some derivatives, and the jet [C, N, W] after each stage, without storage."""
    channels = Channels(index for indices in needs.values() for index in indices)
    features = len(chain.problem.ansatz.feature_names)
    x = shape_of(chain.embedding, torch.empty(points, features, dtype=chain.like.dtype, device="meta"))
    shapes = []
    for stage in chain.stages:
        x = shape_of(stage, x)
        shapes.append(x.new_empty(len(channels), *x.shape))
    return channels, shapes


def losses(chain: ModelStageChain, term: Term, sites: Sites, count: int) -> MicroBatch:
    """Make the micro-batch of a term's loss |r|^2 / 2 by points, [N / fold]; arguments as of `residuals`."""
    found = residuals(chain, term, sites, count)

    def end(out: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        return 0.5 * found.end(out, known).square().sum(0)

    return replace(found, end=end, fold=sites.fold)


def residuals(chain: ModelStageChain, term: Term, sites: Sites, count: int) -> MicroBatch:
    """Make the micro-batch of a term's residuals [rows, N / fold], scaled so that f = |r|^2 / 2."""
    piece = ResidualBlock(chain.part, term, sites, count, ())
    channels, shapes = jet_shapes(chain, sites.points.shape[0], term.needs)
    return MicroBatch(
        term.name,
        channels,
        piece.location.inputs,
        shapes,
        lambda out, known: piece.residual_of(out.transpose(1, 2), known),
    )


def unknowns(chain: ModelStageChain, points: Tensor) -> MicroBatch:
    """Make the micro-batch of the unknowns [N, m] at points."""
    needs: dict[str, tuple[MultiIndex]] = {name: ((),) for name in chain.problem.unknown_names}
    location = Location(chain.part, points, needs)
    channels, shapes = jet_shapes(chain, points.shape[0], needs)

    def end(out: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([field.value for field in location.fields(out.transpose(1, 2)).values()], 1)

    return MicroBatch("unknowns", channels, location.inputs, shapes, end)


def samples(
    chain: StageChain, inputs: Tensor, end: Callable[[Tensor], Tensor], name: str = "loss", seed: int = 0
) -> MicroBatch:
    """Make the micro-batch of samples [N, ...], for a network without a problem.

    Args:
        chain: The chain of the network.
        inputs: Of ranks without the first stage only shape and type count.
        end: Of what the network puts out, [N, ...].
        name: Of the term.
        seed: Of what is drawn on the way.
    """
    entering = inputs.to(chain.like.device if chain.first else "meta")
    return MicroBatch(name, None, entering, chain.shapes(inputs), lambda out, known: end(out), seed=seed)
