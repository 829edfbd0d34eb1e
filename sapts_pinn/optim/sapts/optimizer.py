"""SAPTS: the stochastic additively preconditioned trust-region strategy.

One step at theta_k:

1. f and g = grad f, by all ranks together.
2. *Sweep*, the nonlinear preconditioner.  Every part reduces its own objective F_d (`subdomain.py`) from
   theta_k by up to m trust-region steps, without communication.  Parts of one group follow one another, each
   from where the last ended (multiplicative); groups are independent (additive), one or more per rank.
3. The groups' corrections are combined: s = sum_d s_d, their mean, or the best point of their span.
4. *Control.*  rho = (f(theta_k) - f(theta_k + s)) / predicted, with the global f and the sum of the
   reductions of the F_d.  The sweep is taken, or theta_k restored bit for bit.
5. *Global pass.*  Steps of the trust region on f itself (`TrustRegion.step`).

**Pooled curvature.**  The model that all parts start from learns the pairs (s, y) of all parts, and after
every sweep the global pair (theta_{k+1} - theta_k, g_{k+1} - g_k).  The parts' pairs are cheap but carry the
Hessian of some points only.  The global pair costs nothing, as both gradients are needed anyway, and corrects
along the sweep what the parts have learned wrong: without it the parts' noise accumulates in the model as
accuracy grows.

**Length of a sweep** (`schedule.py`).  A local step obeys the radius, which the local ratios adapt.  The
number m of local steps is adapted by rho: a sweep whose reduction the parts mispredict is too long for their
accuracy.  As the loss falls the parts agree less, m shrinks, and below 2 the step becomes that of the plain
trust region; sweeps are tried again later.  rho alone does not tell when data parts no longer help: it weighs
all directions by what they contribute to f, while at high accuracy those decide along which f hardly changes.
So the sweep's change of the gradient is compared with what the parts have seen of it, in the metric of the
model,

    eta = |(g(theta_k + s) - g(theta_k)) - y|_H / |g(theta_k + s) - g(theta_k)|_H.

On Burgers' equation eta is about 0.8 while sweeps help, and 0.99 when they no longer do: what the parts know
of the curvature is noise then.

Sources: Cruz Alegria et al., arXiv:2312.13677 and 2502.05133; additive and multiplicative Schwarz methods for
convex optimization: Park, arXiv:1912.03617; the linear term of F_d is that of variance reduction, Johnson &
Zhang (2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ...objectives.base import Evaluation, Objective
from ...objectives.closure import ClosureObjective
from ...objectives.flat import distinct, gather, scatter_
from ...parallel.communicator import Communicator, SingleProcess
from ..base import StepInfo, SweepInfo
from ..curvature import Curvature, Pair
from ..curvature.make import curvature_name, make_curvature
from ..radius import RadiusRule
from ..snapshot import Snapshot
from ..trust_region import PATIENCE, TrustRegion
from . import Decomposition, find_decomposition
from .combine import combine
from .divider import Divider
from .exchange import Division
from .local_models import LocalModels
from .local_solve import Correction, local_solve
from .schedule import LocalStepSchedule
from .settings import Sweep
from .stages import ShardedProducts
from .subdomain import Subdomain

PAIRS = 8  # that a group's sweep gives to the others, its latest: more cost as much and teach no more


@dataclass
class _Trial:
    """The end of a sweep before it is accepted.

    Attributes:
        s: The correction of all groups, [n].
        predicted: The reduction predicted for it.
        evaluation: f there; None where no subdomain has moved.
        rho: The ratio, minus infinity where there is none.
        gradient: The gradient there, [n]; None unless the value is finite.
        accepted: Whether the sweep is taken.
    """

    s: Tensor
    predicted: float
    evaluation: Evaluation | None = None
    rho: float = -math.inf
    gradient: Tensor | None = None
    accepted: bool = False


class SAPTS(TrustRegion):
    """The additively preconditioned trust region as a PyTorch optimizer.

    Args:
        params: The tensors to train, one group.
        decomposition: "data" (SAPTS_D), "parameters" (SAPTS_P), "stages" (SAPTS_IP) or a `Decomposition`.
        parts: Number of parts over all ranks, a multiple of the number of ranks.
        curvature: The model of the Hessian, see `TrustRegion`; None chooses by size, dense while it fits.
            The parts have models of the same kind, unless the sweep names another.
        radius: Initial radius of a step, in the model's norm.
        sweep: How the parts are used.
        rule: When steps are accepted, and the radius.
        communicator: The ranks; by default this process is alone.

    Attributes:
        info: As of `TrustRegion`, of the sweep or of the global pass, with `sweep` and, for each part
            visited, `parts`.

    Raises:
        InputError: An argument out of range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        decomposition: str | Decomposition = "data",
        parts: int = 4,
        curvature: str | Curvature | None = "ssbroyden",
        radius: float = 1.0,
        sweep: Sweep | None = None,
        rule: RadiusRule | None = None,
        communicator: Communicator | None = None,
    ) -> None:
        params = distinct(params)
        decomposition = find_decomposition(decomposition)
        self.decomposition = decomposition
        self.communicator = communicator or SingleProcess()
        self.products = ShardedProducts(self.communicator)
        # Name of the parts' models, None where each part's size decides.
        kind = curvature_name(curvature) if isinstance(curvature, Curvature) else curvature
        if curvature is None:
            curvature = decomposition.curvature(sum(p.numel() for p in params))
        if isinstance(curvature, str):
            curvature = make_curvature(curvature, self.products if decomposition.sharded else None)
        super().__init__(params, curvature, radius, rule)
        self.sweep = sweep or Sweep(kind=decomposition.kind)
        self.divider = Divider(decomposition, parts, self.sweep, self.communicator)
        self.schedule = LocalStepSchedule(self.sweep, self.rule)
        self.local_models = LocalModels(self.sweep.local_curvature or kind)
        self.deadline = math.inf  # `time.monotonic()` after which a sweep is cut short

    @property
    def count(self) -> int:
        """Number of parts over all ranks."""
        return self.divider.count

    def _everywhere(self, flag: bool) -> bool:
        """Return whether a flag is set on every rank, where each sees its own shards only; collective."""
        if not self.decomposition.sharded or self.communicator.size == 1:
            return flag
        return float(self.communicator.all_reduce(torch.tensor(float(not flag)))) == 0.0

    def set_progress(self, used: float, deadline: float = math.inf) -> None:
        """Set the time after which a sweep is cut short: with Gauss-Newton blocks one can take minutes."""
        self.deadline = deadline

    def points_changed(self) -> None:
        """Notify that the next objective has other points than those that a loaded state has divided."""
        self.divider.points_changed()

    def objective_changed(self) -> None:
        """Rebuild the curvature before the next step, and drop the models that parts have of their own."""
        super().objective_changed()
        self.local_models.clear()

    # -- the step ----------------------------------------------------------------------------------

    @torch.no_grad()
    def step(self, closure: Objective | Callable[[], Tensor | float]) -> Tensor:  # type: ignore[override]
        """Take a sweep and its global pass.

        Args:
            closure: An `Objective`; an ordinary closure only suits a decomposition of the parameters.

        Returns:
            The loss at the parameters this leaves behind, a tensor without shape.

        Raises:
            TypeError: The objective cannot be divided as asked.
        """
        objective = closure if isinstance(closure, Objective) else ClosureObjective(closure, self.parameters)
        division = self.divider.divide(objective)
        self.products.split_by(division.sizes_owned)
        swept, passes = StepInfo(), self.sweep.global_steps
        if self.schedule.due:
            loss = self._sweep(division, int(self.schedule.steps))
            swept = self.info
        else:
            passes = max(1, passes)
        for _ in range(passes):
            before = self.values[-1] if self.values else math.nan
            loss = super().step(division.whole)
            self.info = replace(self.info, sweep=swept.sweep, parts=swept.parts)
            if self.info.converged:
                break
        plain = swept.sweep is None and self.sweep.local_steps > 0 and self.sweep.adaptive
        if plain and self.info.accepted and self.info.rho is not None:
            self.schedule.after_plain_step(before, float(loss), self.info.rho, division.count)
        if not self.divider.batches.whole:
            assert self._at is not None
            stuck, self.info = self.info.converged, replace(self.info, converged=False)
            self.divider.next_batch(stuck, self._at[2])
        return loss

    def _sweep(self, division: Division, steps: int) -> Tensor:
        """Steps 2 to 4: local solves, combination, control."""
        objective = division.whole
        around = Snapshot(objective, self.parameters[0].device)
        theta, evaluation, g = self._current(objective)
        f = evaluation.value
        corrections = [self._improve(division, group, steps) for group in self.divider.order(division)]
        pairs = min(steps * len(corrections[0].records), PAIRS) if self.sweep.pooled else 0
        corrections = division.exchange(corrections, pairs)
        trial = self._try(division, corrections, theta, g, around)
        if trial.accepted and trial.evaluation is not None and trial.gradient is not None:
            self.values.append(trial.evaluation.value)
            self._at = (objective, gather(self.parameters), trial.evaluation, trial.gradient)
            self.rejections, self._stalled = 0, False
            after = trial.evaluation.value
        else:
            scatter_(self.parameters, theta)
            around.restore()
            self.rejections += 1
            after = f
        gain = math.log(f / after) if trial.accepted and after > 0 else 0.0
        self.schedule.after_sweep(trial.rho, gain, corrections, division.shared, division.count)
        self._resize(division, trial.rho, corrections)
        self._prepared = None
        if self.rejections and self.rejections % PATIENCE == 0:
            self.curvature.prepare(evaluation)
            self._rebuild()
        records = [record for correction in corrections for record in correction.records]
        self._report(trial.rho, trial.accepted, trial.predicted, max(record.length for record in records))
        sweep = SweepInfo(trial.rho, trial.accepted, trial.predicted, f, steps)
        self.info = replace(self.info, sweep=sweep, parts=tuple(replace(record) for record in records))
        return torch.tensor(after, dtype=theta.dtype)

    def _try(
        self,
        division: Division,
        corrections: Sequence[Correction],
        theta: Tensor,
        g: Tensor,
        around: Snapshot,
    ) -> _Trial:
        """Combine the corrections, evaluate f there, and learn from it."""
        how = self.sweep.combination or self.decomposition.combination
        gram = self.products.gram if division.sharded else lambda a, b: a @ b.T
        trial = _Trial(*combine(list(corrections), g, how, gram))
        around.restore()
        moved = any(record.accepted for correction in corrections for record in correction.records)
        if not (moved and trial.predicted > 0):
            return trial
        alone = corrections[0].end if len(corrections) == 1 else None
        scatter_(self.parameters, theta + trial.s if alone is None else alone)
        trial.evaluation = division.look(corrections, alone is not None)
        if not math.isfinite(trial.evaluation.value):
            return trial
        trial.rho = (max(self.values) - trial.evaluation.value) / trial.predicted
        trial.gradient = trial.evaluation.gradient()
        finite = self._everywhere(bool(torch.isfinite(trial.gradient).all()))
        change = trial.gradient - g
        if finite and division.shared and self.divider.batches.whole:
            seen = torch.stack([c.y for c in corrections]).mean(0)
            self.schedule.compare(self.curvature, change, seen)
        trial.accepted = finite and trial.rho > self.rule.accept
        learned: list[Pair] = []
        if self.sweep.pooled and not self._in_place(division) and not division.sharded:
            learned = [pair for correction in corrections for pair in correction.pairs]
        if finite:
            learned.append((trial.s, change, None))
        self.curvature.learn_all(learned)
        return trial

    def _in_place(self, division: Division) -> bool:
        """Return whether parts teach the one model directly: they follow one another, in all parameters."""
        return self.sweep.pooled and division.shared and division.count == 1 and self.curvature.learns

    def _resize(self, division: Division, rho: float, corrections: Sequence[Correction]) -> None:
        """The radius that the local ratios found, and smaller ones after a sweep that failed."""
        if self.sweep.pooled and division.shared:
            self.radius = self.rule.pooled([c.records[-1].radius for c in corrections])
        if rho <= 0:
            self.radius = self.rule.after_failed_sweep(self.radius)
            self.local_models.resize(self.rule.after_failed_sweep)

    def _improve(self, division: Division, group: list[Subdomain], steps: int) -> Correction:
        """The local solves of one group, in turn."""
        assert self._at is not None
        _, theta, evaluation, _ = self._at
        pooled = self.sweep.pooled and division.shared
        model = self.curvature
        if pooled and not self._in_place(division):
            model = model.branch()
        z, y = theta, torch.zeros_like(theta)
        done = Correction(z, y, [])
        radius, reach = self.radius, self.schedule.reach
        for part in group:
            base = division.base(part, evaluation)
            part.centre(theta, evaluation, base)
            curvature = model
            if not pooled:
                curvature, radius = self.local_models.of(part, len(theta), self.radius)
            known = part.begin(evaluation, base) if z is theta else None
            if known is None or (curvature.linearises and not known.whole):
                known = part.evaluate(z)
            before = division.objective.counters.gradients
            z, end, record, pairs = local_solve(
                part, z, known, curvature, radius, steps, self.rule, reach, self.deadline
            )
            record.work = division.objective.counters.gradients - before
            if pooled:
                radius = record.radius
            else:
                self.local_models.keep(part, curvature, record.radius)
            done.records.append(record)
            done.pairs += pairs
            done.last = (part, end)
        done.s, done.end = z - theta, z
        for _, change, _ in done.pairs:
            y = y + change
        done.y, done.pairs = y, done.pairs[-PAIRS:]
        return done

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """Return all that is needed to continue bit for bit; all ranks call it together."""
        own = self.local_models.state_dict()
        if self.communicator.size > 1 and not self.decomposition.sharded:
            own = {k: v for shard in self.communicator.gather_objects(own) for k, v in shard.items()}
        state = {
            **self.schedule.state_dict(),
            **self.divider.state_dict(),
            "local": own,
            "sizes": list(self.products.sizes),
        }
        return {**super().state_dict(), "sapts": state}

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over a saved state.

        Raises:
            InputError: The state is of another optimizer.
        """
        rest = dict(state_dict)
        if "sapts" not in rest:
            raise InputError("this state was not saved by SAPTS; resume with the method it was written by")
        state = rest.pop("sapts")
        self.products.split_by(state["sizes"])
        super().load_state_dict(rest)
        self.schedule.load_state_dict(state)
        each, rank = self.count // self.communicator.size, self.communicator.rank
        kept = state["local"] if state["parts"] == self.count else {}
        if not self.decomposition.sharded:
            kept = {number: saved for number, saved in kept.items() if number // each == rank}
        # States of earlier versions do not name the models: those of stages were all dense then.
        former = "ssbroyden" if self.decomposition.sharded else self.local_models.name
        self.local_models.load_state_dict(kept, self.sweep.local_curvature or former or "ssbroyden")
        self.divider.load_state_dict(state)
