"""A model of a problem: the ansatz around its network, its embedding, its coefficients."""

import pytest
import torch
from torch import Tensor

from nested import assert_close, nested, randomise
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Location, Model
from sapts_pinn.problems import build


@pytest.mark.parametrize(
    "name",
    ["poisson-1d", "poisson-2d", "poisson-5d", "poisson-lshape", "burgers", "allen-cahn",
     "allen-cahn-dirichlet", "allen-cahn-steady"],
)  # fmt: skip
def test_ansatz_of_the_zoo(name):
    problem = build(name)
    network = randomise(MLP((len(problem.ansatz.feature_names), 6, 5, len(problem.unknown_names))))
    model = Model(problem, network)
    x = problem.domain.interior(16, torch.Generator().manual_seed(4))
    location = Location(model, x, problem.equation_term.needs)
    fields = location.fields(location.network_jet())
    for j, unknown in enumerate(problem.unknown_names):
        extension, factor = problem.ansatz.extension[unknown], problem.ansatz.factor[unknown]
        size = problem.natural.unknowns[unknown]

        def u(x: Tensor, j=j, size=size, extension=extension, factor=factor) -> Tensor:
            value = size * network(problem.ansatz.features(x))[:, j]
            value = value if factor is None else factor(x) * value
            return value if extension is None else value + extension(x)

        for index in ((), *problem.equation_term.needs[unknown]):
            found = fields[unknown].d(*(problem.domain.names[i] for i in index)).value
            assert_close(found, nested(u, x, index)[:, 0])
        assert_close(model(x)[:, j], u(x))
