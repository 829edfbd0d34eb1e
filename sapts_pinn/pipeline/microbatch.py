"""What goes through the stages of a network together: points of a term, or samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

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
    """Points, or samples, that go through the stages together.

    Attributes:
        name: Of the term that they belong to.
        channels: Of the Taylor bundles; None for plain activations.
        inputs: What enters the first stage; used by the rank that has it.
        shapes: What each stage puts out, without storage.
        end: What becomes of the last stage's output and the coefficients; used by the rank that has it.
        seed: Of what is drawn on the way, such as dropout; None where nothing is.  Every stage draws by
            itself, so that it draws the same in its own objective, and on whatever rank.
    """

    name: str
    channels: Channels | None
    inputs: Tensor
    shapes: list[Tensor]
    end: Callable[[Tensor, Mapping[str, Tensor]], Tensor]
    seed: int | None = None

    def through(self, stage: Stage, s: int, weights: Weights, x: Tensor) -> Tensor:
        """What stage s puts out, or the end of it after the last one."""
        draws = nullcontext() if self.seed is None else drawing(self.seed + STRIDE * s, [x.device])
        with draws:
            out = stage.at(weights, x, self.channels)
            return self.end(out, stage.known(weights)) if s == len(self.shapes) - 1 else out


def bundles(
    chain: ModelStageChain, points: int, needs: Mapping[str, Iterable[MultiIndex]]
) -> tuple[Channels, list[Tensor]]:
    """The channels that carry some derivatives, and the shape [C, N, W] of the bundle after each stage."""
    channels = Channels(index for indices in needs.values() for index in indices)
    features = len(chain.problem.ansatz.feature_names)
    x = shape_of(chain.embedding, torch.empty(points, features, dtype=chain.like.dtype, device="meta"))
    shapes = []
    for stage in chain.stages:
        x = shape_of(stage, x)
        shapes.append(x.new_empty(len(channels), *x.shape))
    return channels, shapes


def residuals(chain: ModelStageChain, term: Term, sites: Sites, count: int) -> MicroBatch:
    """The sites of a term; they end as its residuals [rows, N / fold], scaled so that f = |r|^2 / 2."""
    piece = ResidualBlock(chain.part, term, sites, count, ())
    channels, shapes = bundles(chain, sites.points.shape[0], term.needs)
    return MicroBatch(
        term.name,
        channels,
        piece.location.inputs,
        shapes,
        lambda out, known: piece.residual_of(out.transpose(1, 2), known),
    )


def unknowns(chain: ModelStageChain, points: Tensor) -> MicroBatch:
    """Points that end as the unknowns there, [N, m]."""
    needs: dict[str, tuple[MultiIndex]] = {name: ((),) for name in chain.problem.unknown_names}
    location = Location(chain.part, points, needs)
    channels, shapes = bundles(chain, points.shape[0], needs)

    def end(out: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([field.value for field in location.fields(out.transpose(1, 2)).values()], 1)

    return MicroBatch("unknowns", channels, location.inputs, shapes, end)


def samples(
    chain: StageChain, inputs: Tensor, end: Callable[[Tensor], Tensor], name: str = "loss", seed: int = 0
) -> MicroBatch:
    """Samples [N, ...] for a network that is no problem's.

    Args:
        chain: The chain of the network.
        inputs: Of ranks without the first stage only shape and type count.
        end: Of what the network puts out, [N, ...].
        name: Of the term.
        seed: Of what is drawn on the way.
    """
    entering = inputs.to(chain.like.device if chain.first else "meta")
    return MicroBatch(name, None, entering, chain.shapes(inputs), lambda out, known: end(out), seed)
