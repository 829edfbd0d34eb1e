"""The callback that measures the error beside the clock of a run."""

from types import SimpleNamespace

import torch

from sapts_pinn.bench.harness.error_watch import ErrorWatch
from sapts_pinn.geometry import Interval
from sapts_pinn.problems import Dirichlet, Problem


def problem() -> Problem:
    return Problem(Interval(0, 1), "u", lambda u: u.xx, [Dirichlet("u", 1.0)], reference=lambda x: 0 * x + 1)


class Run(SimpleNamespace):
    """A trainer whose error falls by a tenth at every step."""

    def __init__(self) -> None:
        counters = SimpleNamespace(gradients=0.0)
        traffic = SimpleNamespace(collectives=0, messages=0, bytes=0)
        super().__init__(
            iteration=0, seconds=0.0, loss=1.0, counters=counters, optimizer=SimpleNamespace(info={}),
            communicator=SimpleNamespace(traffic=traffic), stopped=[],
        )  # fmt: skip

    def model(self, points: torch.Tensor) -> torch.Tensor:
        return 1 + 0.5 * 0.1**self.iteration + 0 * points

    def stop(self, reason: str) -> None:
        self.stopped.append(reason)

    def step(self, watch: ErrorWatch, **info: object) -> None:
        self.iteration, self.optimizer.info = self.iteration + 1, info
        self.counters.gradients += 2
        watch.on_step(self)


def test_it_measures_at_the_start_on_the_way_and_at_the_end():
    run, watch = Run(), ErrorWatch(problem(), lambda run: run.counters.gradients, every=4.0)
    watch.on_start(run)
    run.step(watch, accepted=True, sweep={"accepted": True})
    run.step(watch, accepted=False, sweep={"accepted": False})
    run.step(watch, accepted=True)
    watch.on_end(run)
    watch.on_end(run)
    assert [row["iterations"] for row in watch.rows] == [0, 2, 3]
    assert [row["work"] for row in watch.rows] == [0, 4, 6]
    assert torch.allclose(torch.tensor([row["error"] for row in watch.rows]), torch.tensor([0.5, 5e-3, 5e-4]))
    last = watch.rows[-1]
    assert (last["accepted"], last["sweeps"], last["sweeps_accepted"]) == (2, 2, 1)
    assert not run.stopped


def test_it_stops_at_the_target_and_leaves_its_own_time_out():
    run, watch = Run(), ErrorWatch(problem(), lambda run: run.iteration, every=1.0, target=1e-2)
    watch.on_start(run)
    run.step(watch)
    assert not run.stopped
    run.step(watch)
    assert run.stopped == ["target error 0.01 reached"]
    seconds = [row["seconds"] for row in watch.rows]
    assert seconds == sorted(seconds, reverse=True) and seconds[0] <= 0, "the run itself took no time"
