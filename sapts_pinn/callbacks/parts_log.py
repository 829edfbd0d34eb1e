"""Reports on the subdomains of a SAPTS method during a run."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence

from .base import Callback, Info, RunView


class PartsLog(Callback):
    """Reports on the parts of a SAPTS method and on their sweeps, every few seconds.

    Gains are mean reductions of F_d by one visit, in percent of f; predicted, actual and rho are medians over
    the sweeps.  As long as it is there, the history has a row for every step.

    Args:
        every: Seconds between two reports; 0 for a report after every step.
        say: Takes the lines of a report; by default they go to standard error.
    """

    def __init__(self, every: float = 3.0, say: Callable[[str], object] | None = None) -> None:
        self.every, self.say = every, say or _to_standard_error
        self._steps: list[Info] = []  # what the optimizer said after each
        self._first, self._last = 0, 0.0

    def on_start(self, trainer: RunView) -> None:
        """Begin with the next step, and have every step in the history."""
        trainer.record_every_step()
        self._steps, self._first, self._last = [], trainer.iteration, time.monotonic()
        if trainer.method.divides is None and trainer.communicator.rank == 0:
            self.say("This method has no parts to report on; the SAPTS methods have.")

    def on_step(self, trainer: RunView) -> None:
        """Take note, and report when it is time: after the first step, too."""
        if trainer.method.divides is None or trainer.communicator.rank:
            return
        self._steps.append(trainer.optimizer.info)
        if trainer.iteration == 1 or time.monotonic() - self._last >= self.every:
            self._report(trainer)

    def on_end(self, trainer: RunView) -> None:
        """Report what has not been."""
        if self._steps:
            self._report(trainer)

    def _report(self, trainer: RunView) -> None:
        self.say(parts_report(self._steps, self._first + 1, trainer.loss))
        self._steps, self._first, self._last = [], trainer.iteration, time.monotonic()


def parts_report(infos: Sequence[Info], first: int, loss: float) -> str:
    """Report on consecutive steps of a SAPTS method.

    Args:
        infos: `SAPTS.info` after each of them.
        first: The number of the first.
        loss: After the last.

    Returns:
        A summary of the sweeps, and a row for every part that was visited.
    """
    sweeps = [info for info in infos if "sweep" in info]
    last = first + len(infos) - 1
    title = f"step {first}" if last == first else f"steps {first}-{last}"
    if not sweeps:
        return f"{title}: f {loss:.3e}, no sweeps, plain steps {len(infos)}"
    chosen = [info["sweep"] for info in sweeps]
    taken, plain = sum(sweep["accepted"] for sweep in chosen), len(infos) - len(sweeps)
    predicted = [sweep["predicted"] / sweep["before"] for sweep in chosen]
    # Where no part has moved, there was nothing to try.
    actual = [sweep["rho"] * p if p > 0 else 0.0 for sweep, p in zip(chosen, predicted, strict=True)]
    median = statistics.median
    lines = [
        f"{title}: f {chosen[0]['before']:.3e} -> {loss:.3e}, sweeps {taken} of {len(sweeps)} taken"
        + (f", plain steps {plain}" if plain else ""),
        f"  predicted {median(predicted):.2%}, actual {median(actual):.2%}, "
        f"rho {median(sweep['rho'] for sweep in chosen):+.2f}, local steps m = {chosen[-1]['local_steps']}",
        "  part  visits     gain   radius  steps taken     work",
    ]
    visits: dict[int, list[tuple[dict[str, float], float]]] = {}
    for info in sweeps:
        for record in info["parts"]:
            visits.setdefault(int(record["number"]), []).append((record, info["sweep"]["before"]))
    for number, seen in sorted(visits.items()):
        gain = statistics.fmean(record["gain"] / before for record, before in seen)
        accepted, steps, work = (sum(r[name] for r, _ in seen) for name in ("accepted", "steps", "work"))
        lines.append(
            f"  {number + 1:4}  {len(seen):6}  {gain:7.2%}  {seen[-1][0]['radius']:.1e}"
            f"  {accepted:4.0f} of {steps:4.0f}  {work:7.1f}"
        )
    return "\n".join(lines)


def _to_standard_error(text: str) -> None:
    try:
        sys.stderr.write(
            f"{text}\n"
        )  # looked up anew: a live line puts its own in place, which keeps it below
    except (OSError, ValueError):  # a closed pipe, a full disk: no reason to end a run
        pass
