"""Problems of this library as DeepXDE models, and DeepXDE models as objectives.

The equation and the conditions stay the user's functions: their derivatives u.x, u.xx come from DeepXDE's
`grad` then.  What `solve` builds into the ansatz is built in here by the transforms of the network.
"""

from __future__ import annotations

from collections.abc import Sequence

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..networks.build import independent
from ..problems import Problem, Sites
from ..results.reference_error import reference_values
from .conditions import TermCondition, fields_of
from .geometry import DomainGeometry
from .objective import DeepXDEObjective
from .untyped import Array, Loss, Model


def to_deepxde(
    problem: Problem,
    network: Sequence[int] = (30, 30, 30),
    activation: str = "tanh",
    points: int = 2048,
    condition_points: int = 256,
    exact: bool = True,
    distribution: str = "pseudo",
) -> Model:
    """A DeepXDE model of a problem.

    Args:
        problem: The problem.
        network: Hidden widths.
        activation: As DeepXDE names them.
        points: Collocation points of the equation.
        condition_points: Points of every weighted condition.
        exact: Whether conditions are built into the network where `solve` would do so; else every one is a
            weighted term, as is usual with DeepXDE.
        distribution: Of the points, as DeepXDE names them.

    Returns:
        A `deepxde.Model`, to be compiled.  Its loss is twice that of `solve` on the same points, if
        conditions are exact; else nothing is in natural units.  The unknown coefficients are
        `deepxde.Variable`s in `model.coefficients`, by name, as logarithms where they are positive: pass
        their values to `compile` as `external_trainable_variables`.

    Raises:
        InputError: DeepXDE is in forward mode, or an unknown does not depend on all coordinates.
    """
    if apart := independent(problem):
        raise InputError(
            f"{apart[0]} does not depend on all coordinates, for which a DeepXDE network has no form; "
            "train the problem by solve"
        )
    if dde.config.autodiff != "reverse":
        raise InputError(
            "to_deepxde needs derivatives in reverse mode; call dde.config.set_default_autodiff('reverse')"
        )
    if problem.companions.fold > 1:
        raise InputError(
            "to_deepxde gives an equation its own points only, and this one has integrals or values "
            "elsewhere; solve it here"
        )
    variables = {
        c.name: dde.Variable(c.parameter if c.positive else float(c.init)) for c in problem.coefficients
    }

    def known() -> dict[str, Tensor]:
        """The parameters of the coefficients, which are scaled where `solve` trains them."""
        return {c.name: variables[c.name] / (1.0 if c.positive else c.scale) for c in problem.coefficients}

    terms = problem.terms[1:] if exact else problem.condition_terms

    def equation(inputs: Tensor, outputs: Tensor) -> list[Tensor]:
        fields = fields_of(problem, inputs, outputs, slice(None))
        term = problem.terms[0] if exact else problem.equation_term
        rows = zip(
            term.residual(fields, Sites(inputs), known()), term.row_units.flatten().tolist(), strict=True
        )
        return [row.expand(len(inputs)).unsqueeze(1) / unit for row, unit in rows]

    def solution(x: Array) -> Array:
        values = reference_values(problem, torch.as_tensor(x, dtype=torch.float64))
        assert values is not None
        return values.numpy().astype(dde.config.real(np))

    data = dde.data.PDE(
        DomainGeometry(problem.domain),
        equation,
        [TermCondition(problem, term, condition_points, known) for term in terms],
        num_domain=points,
        train_distribution=distribution,
        solution=None if problem.reference is None else solution,
    )
    inputs = len(problem.ansatz.feature_names) if exact else problem.domain.dim
    outputs = len(problem.unknown_names)
    net = dde.nn.FNN([inputs, *network, outputs], activation, "Glorot normal")
    if exact:
        net.apply_feature_transform(problem.ansatz.features)
    if exact or problem.ansatz.positive:
        net.apply_output_transform(lambda x, y: _inside_ansatz(problem, x, y, exact))
    model = dde.Model(data, net)
    model.coefficients = variables
    return model


def from_deepxde(
    model: Model,
    loss: Loss = "MSE",
    loss_weights: Sequence[float] | None = None,
    variables: Sequence[Tensor] = (),
) -> DeepXDEObjective:
    """The training loss of a DeepXDE model on its current points, for the optimizers of `sapts_pinn.optim`.

    Args:
        model: A `deepxde.Model`; it need not be compiled.
        loss: As for `Model.compile`.
        loss_weights: As for `Model.compile`.
        variables: Its `external_trainable_variables`.
    """
    return DeepXDEObjective(model, loss, loss_weights, [*model.net.parameters(), *variables])


def _inside_ansatz(problem: Problem, x: Tensor, y: Tensor, exact: bool) -> Tensor:
    columns, ansatz = [], problem.ansatz
    for j, name in enumerate(problem.unknown_names):
        column = problem.natural.unknowns[name] * y[:, j] if exact else y[:, j]
        if exact and (factor := ansatz.factor[name]) is not None:
            column = factor(x) * column
        if exact and (extension := ansatz.extension[name]) is not None:
            column = column + extension(x)
        columns.append(ansatz.positive[name] * torch.exp(column) if name in ansatz.positive else column)
    return torch.stack(columns, 1)
