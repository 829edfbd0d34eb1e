"""Decompositions: how parts are dealt to ranks, and objectives that cannot be divided."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_runs import pinn, sapts
from subdomains import closure, cut, make, pipeline


def test_decompositions_that_do_not_fit() -> None:
    objective = pinn(points=60)
    with pytest.raises(
        ValueError, match="unknown decomposition 'points'; choose one of data, parameters, stages"
    ):
        SAPTS(objective.parameters, "points")
    with pytest.raises(
        ValueError, match="unknown decomposition of the parameters 'rows'; choose one of layers"
    ):
        sapts(objective, "parameters", kind="rows").step(objective)
    with pytest.raises(
        ValueError, match="cannot spread 3 layers over 4 parts: use at most 3 parts or the kind 'neu"
    ):
        sapts(objective, "parameters", parts=4).step(objective)
    with pytest.raises(TypeError, match="stages need a PipelineObjective as the objective"):
        sapts(objective, "stages").step(objective)
    for curvature in ("ssbroyden", "gauss-newton"):
        with pytest.raises(
            ValueError, match=f"'{curvature}' needs all parameters on one rank; stages take 'identity'"
        ):
            SAPTS(objective.parameters, "stages", curvature=curvature)
    x = nn.Parameter(torch.ones(4))
    closure = lambda: (x**2).sum()
    with pytest.raises(
        TypeError, match=r"needs an objective that knows its points.*decomposition='parameters'"
    ):
        SAPTS([x], "data").step(closure)
    with pytest.raises(
        TypeError, match="batches need an objective that knows its points; drop the option batch"
    ):
        SAPTS([x], "parameters", 1, sweep=Sweep("tensors", batch=0.5)).step(closure)
    with pytest.raises(TypeError, match="least-squares objective"):
        SAPTS([x], "parameters", 1, "gauss-newton", sweep=Sweep("tensors")).step(
            ClosureObjective(lambda: closure().backward() or closure(), [x])
        )
    four = SingleProcess()
    four.size = 4
    with pytest.raises(
        ValueError, match="parts must be a positive multiple of the number of ranks, 4, not 6"
    ):
        SAPTS([x], "parameters", 6, communicator=four)


# -- the division --------------------------------------------------------------------------------------------


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"needs an objective that knows its points.*decomposition='parameters'"
    ):
        cut(closure())
    for objective in (closure(), make("burgers")):
        with pytest.raises(TypeError, match="stages need a PipelineObjective as the objective"):
            cut(objective, "stages")
    with pytest.raises(TypeError, match="points"):
        cut(pipeline("burgers"), "data")
    with pytest.raises(ValueError, match="part 5 of 6 would get no residual"):
        cut(make("burgers", 5), parts=6)
    with pytest.raises(
        ValueError, match="cannot spread 3 layers over 4 parts: use at most 3 parts or the kind"
    ):
        cut(make("burgers"), "parameters", "layers", parts=4)
