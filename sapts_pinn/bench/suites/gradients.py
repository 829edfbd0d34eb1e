"""Values with gradients per second on Burgers, against DeepXDE on the same network and points.

Two formulations on DeepXDE's side: its own example Burgers.py, where the conditions are terms of the loss
(2540 points inside, 80 on the boundary and 160 at the start, scaled to the total), and the ansatz that
holds them by construction, as an output transform.  Ours runs the latter, and the ansatz that is odd as
well, its default.  DeepXDE is timed on its own `train_step` with an optimizer that does nothing.  On the
common ansatz and points, loss and gradient of both sides are compared.

How fast either side is depends on the number of threads, and on how OpenMP's threads wait for work:
actively by default, which helps chains of small PyTorch operations while nobody else uses the cores;
passively as our command line asks for.  Every case is measured every way, in rounds (A B C ... A B C ...),
and each side is judged by its best in that round.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..harness.child import Child
from ..harness.options import Whole, at_least, chosen_threads
from ..harness.report import finish, folder_for, header, machine, say, spread, table

if TYPE_CHECKING:
    import deepxde as dde
    from torch import Tensor

    from ...objectives.least_squares import LeastSquares

HIDDEN = (20, 20, 20)
NU = 0.01 / math.pi
SOFT, HARD = "DeepXDE, its own example", "DeepXDE, output transform"
PLAIN, KERNEL, ODD = "ours, PyTorch, same ansatz", "ours, kernel, same ansatz", "ours, kernel, odd ansatz"
CASES = (SOFT, HARD, PLAIN, KERNEL, ODD)
RATIOS = ((KERNEL, HARD), (ODD, HARD), (KERNEL, SOFT), (ODD, SOFT), (PLAIN, HARD))
Way = tuple[int, str]  # number of threads, and how they wait
Rates = dict[str, dict[str, list[float]]]  # by case and way, one for each round

POLICIES = {"active": None, "passive": "PASSIVE"}  # values of OMP_WAIT_POLICY


def run(
    *,
    points: Whole = 4096,
    threads: Whole | None = None,
    repeats: Whole = 9,
    seconds: float = 0.25,
    seed: Whole = 0,
    out: Path | None = None,
) -> None:
    """Values with gradients per second on Burgers, against DeepXDE.

    Args:
        points: Collocation points.
        threads: Measured with one and with this many. [default: one per core]
        repeats: Rounds; every case is measured once in each.
        seconds: Length of one measurement.
        seed: Of the initial weights.
        out: Folder for the results. [default: bench-results/gradients]
    """
    at_least(20, points=points)
    at_least(1, repeats=repeats)
    at_least(0.001, seconds=seconds)
    at_least(0, seed=seed)
    facts = machine()
    threads = chosen_threads(threads, facts)
    folder = folder_for("gradients", out)
    ways = [(1, "passive")] + [(threads, policy) for policy in POLICIES if threads > 1]
    rates, agreement = _measured(ways, points, repeats, seconds, seed)
    # Round by round: on a busy machine one way of waiting can collapse, on either side.
    best = {
        name: [max(round_) for round_ in zip(*by_way.values(), strict=True)] for name, by_way in rates.items()
    }
    ratios = {
        f"{ours} / {theirs}": [a / b for a, b in zip(best[ours], best[theirs], strict=True)]
        for ours, theirs in RATIOS
    }
    settings = {
        "problem": "burgers", "network": "3x20 tanh", "points": points, "precision": "float64", "seed": seed,
        "repeats": repeats, "seconds_each": seconds, "threads": "as in the columns",
    }  # fmt: skip
    text = "\n".join(
        [
            header("Values with gradients per second, median [min, max]", facts, settings),
            *_tables(ways, rates, ratios),
            f"loss and gradient of both sides on the same ansatz agree to {agreement:.0e}",
        ]
    )
    records = [
        {"case": name, "way": way, "rates": values, "median": statistics.median(values)}
        for name, by_way in rates.items()
        for way, values in by_way.items()
    ]
    medians = {name: statistics.median(values) for name, values in ratios.items()}
    finish(folder, "gradients", text, facts, settings, records, ratios=medians, agreement=agreement)


def _measured(
    ways: Sequence[Way], points: int, repeats: int, seconds: float, seed: int
) -> tuple[Rates, float]:
    """Evaluations per second of every case and way in each round, and how well both sides agree."""
    rates: Rates = {name: {_label(way): [] for way in ways} for name in CASES}
    with ExitStack() as stack:
        children = {
            p: stack.enter_context(Child(OMP_WAIT_POLICY=POLICIES[p])) for p in {way[1] for way in ways}
        }
        for i in range(repeats):
            say(f"round {i + 1} of {repeats}")
            for name in CASES:
                for way in ways:
                    rate = children[way[1]].call(
                        evaluations_per_second,
                        case=name,
                        points=points,
                        threads=way[0],
                        seed=seed,
                        seconds=seconds,
                    )
                    rates[name][_label(way)].append(rate)
        return rates, children["passive"].call(agree, points=points, seed=seed)


def _tables(ways: Sequence[Way], rates: Rates, ratios: Mapping[str, Sequence[float]]) -> list[str]:
    """Tables of the rates and of their ratios, an empty line after each."""
    columns = ["evaluations per second", *(_label(way) for way in ways)]
    rows = [[name, *(spread(values) for values in by_way.values())] for name, by_way in rates.items()]
    compared = [[name, spread(values)] for name, values in ratios.items()]
    return [
        table(columns, rows),
        "",
        table(["ratio, each side at its best in every round", ""], compared),
        "",
    ]


def _label(way: Way) -> str:
    threads, policy = way
    return "1 thread" if threads == 1 else f"{threads} threads, {policy} wait"


# -- in the child --------------------------------------------------------------------------------------------


def evaluations_per_second(case: str, points: int, threads: int, seed: int, seconds: float) -> float:
    """Time one case for a while, after two evaluations to warm up."""
    import torch

    # The kernel has threads of its own; beside it `training.Trainer` leaves PyTorch one, and so do we.
    torch.set_num_threads(1 if case in (KERNEL, ODD) else threads)
    evaluate = _cases(points, threads, seed)[case]
    for _ in range(2):
        evaluate()
    count, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds or count == 0:
        evaluate()
        count += 1
    return count / passed


def agree(points: int, seed: int) -> float:
    """Relative difference of loss and gradient between the two sides, on the same ansatz and points.

    Raises:
        RuntimeError: They differ by more than rounding: the comparison would be void.
    """
    import torch

    theirs, ours = _deepxde(points, False, seed), _ours(points, 1, seed, symmetry=False)
    loss = _losses(theirs).sum()
    # The first layers differ by the scaling of t, which ours applies and theirs has in its weights.
    gradients = torch.autograd.grad(loss, list(theirs.net.linears[1:].parameters()))
    expected = torch.cat([g.reshape(-1) for g in gradients])
    value, gradient = ours.value_and_grad()
    found = 2 * gradient[-expected.numel() :]  # ours is half the mean square
    difference = max(abs(2 * value / float(loss) - 1), float((found - expected).norm() / expected.norm()))
    if not difference < 1e-9:
        raise RuntimeError(f"loss or gradient differ from DeepXDE's by {difference:.1e}")
    return difference


@cache
def _cases(points: int, threads: int, seed: int) -> Mapping[str, Callable[[], object]]:
    soft, hard = _deepxde(points, True, seed), _deepxde(points, False, seed)
    return {
        SOFT: lambda: soft.train_step(soft.data.train_x, None, None),
        HARD: lambda: hard.train_step(hard.data.train_x, None, None),
        PLAIN: _ours(points, threads, seed, symmetry=False, compiled=False).value_and_grad,
        KERNEL: _ours(points, threads, seed, symmetry=False).value_and_grad,
        ODD: _ours(points, threads, seed, symmetry=True).value_and_grad,
    }


def _ours(points: int, threads: int, seed: int, symmetry: bool, compiled: bool = True) -> LeastSquares:
    """Our objective on DeepXDE's points."""
    import torch

    from ...networks.build import build_network
    from ...networks.model import Model
    from ...objectives.least_squares import LeastSquares
    from ...problems import Sites, build

    problem = replace(build("burgers"), symmetry=symmetry)
    network = build_network(HIDDEN, 2, 1, torch.Generator().manual_seed(seed), torch.float64, "tanh")
    sites = {"equation": Sites(torch.as_tensor(_deepxde(points, False, seed).data.train_x))}
    objective = LeastSquares(Model(problem, network), sites, threads=threads, use_kernel=compiled)
    if compiled and objective.slow_path is not None:
        raise RuntimeError(objective.slow_path)
    return objective


@cache
def _deepxde(points: int, soft: bool, seed: int) -> dde.Model:
    """DeepXDE's model with our initial weights."""
    import deepxde as dde
    import numpy as np
    import torch

    from ...networks.build import build_network
    from ...problems import build

    natural = replace(build("burgers"), symmetry=False).natural  # ours is in natural units
    size, unit = natural.unknowns["u"], natural.rows["equation"][0]

    class Idle(torch.optim.Optimizer):
        """Evaluates loss and gradient, and leaves the parameters where they are."""

        def step(self, closure: Any = None) -> Any:
            return closure()

    def pde(x: Tensor, u: Tensor) -> Tensor:
        u_x, u_t = dde.grad.jacobian(u, x, i=0, j=0), dde.grad.jacobian(u, x, i=0, j=1)
        residual: Tensor = (u_t + u * u_x - NU * dde.grad.hessian(u, x, i=0, j=0)) / unit
        return residual

    dde.config.set_default_float("float64")
    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))
    net = dde.nn.FNN([2, *HIDDEN, 1], "tanh", "Glorot normal")
    if soft:
        edge, start = round(points * 80 / 2780), round(points * 160 / 2780)
        conditions = [
            dde.icbc.DirichletBC(domain, lambda x: 0, lambda _, on_boundary: on_boundary),
            dde.icbc.IC(domain, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on_initial: on_initial),
        ]
        interior = points - edge - start
        data = dde.data.TimePDE(
            domain, pde, conditions, num_domain=interior, num_boundary=edge, num_initial=start
        )
    else:
        data = dde.data.TimePDE(domain, pde, [], num_domain=points)
        net.apply_output_transform(
            lambda x, n: -torch.sin(math.pi * x[:, 0:1]) + size * (1 - x[:, 0:1] ** 2) * x[:, 1:2] * n
        )
    ours = build_network(HIDDEN, 2, 1, torch.Generator().manual_seed(seed), torch.float64, "tanh")
    with torch.no_grad():
        layers = [layer for layer in ours.modules() if isinstance(layer, torch.nn.Linear)]
        for mine, layer in zip(net.linears, layers, strict=True):
            mine.load_state_dict(layer.state_dict())
        first = net.linears[0]  # ours sees 2 t - 1
        first.bias -= first.weight[:, 1]
        first.weight[:, 1] *= 2
    model = dde.Model(data, net)
    model.compile(Idle(net.parameters(), {}), verbose=0)
    return model


def _losses(model: dde.Model) -> Tensor:
    losses: Tensor = model.outputs_losses_train(model.data.train_x, None, None)[1]
    return losses
