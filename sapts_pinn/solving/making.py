"""Parts, model and collocation points of a run of `solve`, from its settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..networks.build import NetworkSpec, independent
from ..optim.methods import Method
from ..optim.methods import method as find_method
from ..optim.sapts import Decomposition
from ..parallel.communicator import Communicator
from ..pipeline.build_model import build_model
from ..pipeline.trainable_model import TrainableModel
from ..problems import Problem
from ..runs.resuming import saved_pipeline
from ..training.collocation import Collocation
from ..training.settings import whole
from .own_points import OwnCollocation
from .settings import RunSettings

LARGE = (
    100_000  # parameters from which on ranks divide those of the stages of a network: beyond, memory counts
)


def with_parts(settings: RunSettings, parts: int | None, chosen: Method, ranks: int) -> RunSettings:
    """The settings with the number of parts among the options of a method that has parts.

    Raises:
        InputError: The method has none, or the number is none.
    """
    decomposition = chosen.decomposition
    if decomposition is None:
        if parts is not None:
            raise InputError(
                f"method {settings.method!r} has no parts; drop parts={parts}, or use a SAPTS method"
            )
        return settings
    options = dict(settings.options)
    if parts is not None:
        options["parts"] = whole("parts", parts)
    options.setdefault("parts", _default_parts(decomposition, ranks, settings.network))
    return replace(settings, options=options)


def made(
    problem: Problem, settings: RunSettings, ranks: Communicator, own: Tensor | None = None
) -> tuple[TrainableModel, Collocation]:
    """Make the untrained model and its collocation points, from the seed.

    Args:
        problem: What to solve.
        settings: Of the run.
        ranks: The ranks.
        own: Points of the equation that the user gave; None draws them.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    stages = settings.options["parts"] if find_method(settings.method).sharded else None
    with _fixed_global_seed(settings.seed):
        model = build_model(problem, settings, generator, ranks, stages, is_pipeline(settings))
    number = settings.points, settings.condition_points
    drawn = Collocation(problem, *number, settings.sampler, settings.adaptive, generator, model)
    return model, drawn if own is None else OwnCollocation(**vars(drawn), own=own)


def with_pipeline(problem: Problem, settings: RunSettings, ranks: int) -> RunSettings:
    """The settings, with the choice whether several ranks divide the parameters of the stages of a network.

    They do where a network is large.  The parameters of a small one are fewer numbers than its activations:
    there every rank holds all stages, and the ranks divide the points.
    """
    sizes = settings.network
    if not find_method(settings.method).sharded or ranks == 1 or "pipeline" in settings.options:
        return settings
    if isinstance(sizes, nn.Module) or not isinstance(sizes, Sequence) or independent(problem):
        return settings
    layers = [len(problem.ansatz.feature_names), *sizes, len(problem.unknown_names)]
    if sum((a + 1) * b for a, b in pairwise(layers)) > LARGE:
        return settings
    return replace(settings, options={**settings.options, "pipeline": False})


def is_pipeline(settings: RunSettings) -> bool:
    """Return whether ranks divide the parameters of a method with stages."""
    return bool(settings.options.get("pipeline", True))


def is_sharded(settings: RunSettings, resume: str | Path | None) -> bool:
    """Return whether every rank holds the parameters of its own stages only.

    Args:
        settings: Of a new run.
        resume: Folder of the run that goes on, which stays as it is.
    """
    pipeline = is_pipeline(settings) if resume is None else saved_pipeline(resume)
    return find_method(settings.method).sharded and pipeline


@contextmanager
def _fixed_global_seed(seed: int) -> Iterator[None]:
    """Seed PyTorch's global generator, by which modules draw their weights, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _default_parts(chosen: Decomposition, ranks: int, network: NetworkSpec) -> int:
    """Default number of parts: one a rank; in one process the usual number, at most one a layer."""
    if ranks > 1:
        return ranks
    if not chosen.shared and isinstance(network, Sequence) and not isinstance(network, nn.Module):
        return min(chosen.parts, len(network) + 1)
    return chosen.parts
