"""A model of a problem: the ansatz around its network, its embedding, its coefficients."""

import math

import pytest
import torch
from torch import Tensor, nn

from draws import randn, rng
from nested import assert_close, nested, randomise
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.embeddings import FourierFeatures
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Location, Model, split_embedding
from sapts_pinn.problems import Coefficient, Dirichlet, Observations, Problem, build


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


@pytest.mark.parametrize("name", ["burgers", "allen-cahn", "poisson-lshape", "kirsch"])
def test_a_location_at_some_of_its_points(name):
    problem = build(name)
    network = randomise(MLP((len(problem.ansatz.feature_names), 5, len(problem.unknown_names))))
    model = Model(problem, network)
    x = problem.domain.interior(16, torch.Generator().manual_seed(4))
    index = torch.tensor([3, 0, 11])
    chosen = Location(model, x, problem.equation_term.needs).at(index)
    alone = Location(model, x[index], problem.equation_term.needs)
    for one, other in zip(
        chosen.fields(chosen.network_jet()).values(), alone.fields(alone.network_jet()).values(), strict=True
    ):
        assert_close(one.value, other.value, 1e-13)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_an_embedding_is_what_comes_before_the_first_parameter(count):
    """And what comes behind is the network itself where it is one module."""
    embeddings = [FourierFeatures(2, 3, 1.0, rng()).double(), nn.Tanh()][:count]
    layers = [nn.Linear(2 if count == 0 else 6, 4), nn.Tanh(), nn.Linear(4, 1)]
    whole = nn.Sequential(*embeddings, *layers).double()
    prefix, rest = split_embedding(whole)
    x = randn(5, 2)
    assert not list(prefix.parameters()) and torch.equal(rest(prefix(x)), whole(x))
    assert len(list(rest.parameters())) == 4 and len(list(prefix)) == count
    mlp = MLP((6, 4, 1)).double()
    assert split_embedding(nn.Sequential(*embeddings, mlp))[1] is mlp
    assert split_embedding(mlp)[1] is mlp and split_embedding(nn.Bilinear(2, 2, 1))[0](x) is x


def inverse() -> Problem:
    return Problem(
        Interval(0, 1),
        "u",
        lambda u, k, c: k * u.xx + c,
        [Dirichlet("u", 0.0), Observations("u", {"x": [0.3, 0.6]}, [0.1, 0.1])],
        [Coefficient("k", init=0.2, positive=True), Coefficient("c", init=-3.0)],
    )


def test_coefficients_are_trained_in_units_of_their_start_and_positive_ones_by_the_logarithm():
    model = Model(inverse(), MLP((1, 4, 1)).double())
    assert model.values() == pytest.approx({"k": 0.2, "c": -3.0}, rel=1e-14)
    assert {name for name, _ in model.named_parameters()} > {"coefficients.k", "coefficients.c"}
    with torch.no_grad():
        model.coefficients["k"].sub_(5.0)
        model.coefficients["c"].sub_(5.0)
    assert model.values() == pytest.approx({"k": 0.2 * math.exp(-5.0), "c": 3 * (-1.0 - 5.0)}, rel=1e-14)
    single = Model(inverse(), MLP((1, 4, 1)))
    assert all(p.dtype == torch.float32 for p in single.parameters())


def test_without_an_architecture_a_model_cannot_be_freed():
    model = Model(build("poisson-2d"), MLP((2, 4, 1)))
    with pytest.raises(ValueError, match="there is no way to make a network without it; give symmetry=False"):
        model.free()
