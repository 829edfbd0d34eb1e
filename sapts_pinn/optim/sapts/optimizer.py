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

**Radius of a sweep.**  The correction is no longer than Delta, and Delta changes with rho as in any trust
region.  The length is the sum of the lengths of the local steps, each in the norm of the model that made it,
and of the combination what the triangle inequality makes of it; where models measure by the Euclidean norm
(L-SR1, identity, Gauss-Newton) it bounds |s|.  Each of N groups has Delta / N where corrections are summed,
Delta where their mean is taken.  Sweeps of a fixed number of steps have the radius of the plain steps, which
they change; adaptive ones have one of their own.

**Number of local steps** (`schedule.py`).  A local step obeys a radius of its own, which the local ratios
adapt.  The number m of local steps is adapted by rho: a sweep whose reduction the parts mispredict is too
long for their accuracy.  As the loss falls the parts agree less, m shrinks, and below 2 the step becomes
that of the plain trust region; sweeps are tried again later.  rho alone does not tell when data parts no
longer help: it weighs all directions by what they contribute to f, while at high accuracy those decide along
which f hardly changes.
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
from ..curvature import Curvature, Pair, Step
from ..curvature.make import curvature_name
from ..earnings import Earnings
from ..radius import FAR, RadiusRule
from ..snapshot import Snapshot
from ..trust_region import PATIENCE, ROUNDING, TrustRegion
from . import Decomposition, find_decomposition
from .combine import combine
from .divider import Divider
from .exchange import Division
from .global_model import global_model
from .group_solve import PAIRS, GroupSolve
from .local_models import LocalModels
from .local_solve import Correction
from .resharding import SHARDS, resharded, saved_kind
from .schedule import LocalStepSchedule
from .settings import Sweep
from .stages import ShardedProducts


@dataclass
class _Trial:
    """The end of a sweep before it is accepted.

    Attributes:
        s: The correction of all groups, [n].
        predicted: The reduction predicted for it.
        length: Its length, of which the radius is the bound.
        evaluation: f there; None where no subdomain has moved.
        rho: The ratio, minus infinity where there is none.
        gradient: The gradient there, [n]; None unless the value is finite.
        accepted: Whether the sweep is taken.
    """

    s: Tensor
    predicted: float
    length: float
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
        self.sweep = sweep or Sweep()
        if curvature is None or isinstance(curvature, str):
            own = sum(p.numel() for p in params)
            curvature = global_model(curvature, own, decomposition, self.sweep, self.products)
        super().__init__(params, curvature, radius, rule)
        self.divider = Divider(decomposition, parts, self.sweep, self.communicator)
        self.schedule = LocalStepSchedule(self.sweep, self.rule, self.radius, decomposition.shared)
        self._earned = Earnings()
        self.local_models = LocalModels(self.sweep.local_curvature or kind)
        self.deadline = math.inf  # `time.monotonic()` after which a sweep is cut short

    @property
    def count(self) -> int:
        """Number of parts over all ranks."""
        return self.divider.count

    @property
    def earned(self) -> Earnings:
        """Cost and gain of sweeps and of plain steps so far, on this rank."""
        return self._earned

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
        counters = division.objective.counters
        if self.schedule.due:
            work = counters.gradients
            loss = self._sweep(division, int(self.schedule.steps))
            swept = self.info
            assert swept.sweep is not None
            spent, taken = counters.gradients - work, swept.sweep.accepted
            self._earned.add_sweep(spent, swept.sweep.before, float(loss), taken)
        else:
            passes = max(1, passes)
        for _ in range(passes):
            work = counters.gradients
            loss = super().step(division.whole)
            before = self.info.before if self.info.before is not None else math.nan
            self._earned.add_plain_step(counters.gradients - work, before, float(loss))
            if self.sweep.local_steps > 0 and self.sweep.adaptive:
                rho = self.info.rho if swept.sweep is None and self.info.accepted else None
                self.schedule.after_plain_step(before, float(loss), rho)
            self.info = replace(self.info, sweep=swept.sweep, parts=swept.parts)
            if self.info.converged:
                break
        if not self.divider.batches.whole:
            assert self._at is not None
            stuck, self.info = self.info.converged, replace(self.info, converged=False)
            self.divider.next_batch(stuck, self._at[2].value, lambda d: self._current(d.whole)[1].value)
        return loss

    def _sweep(self, division: Division, steps: int) -> Tensor:
        """Steps 2 to 4: local solves, combination, control."""
        objective = division.whole
        around = Snapshot(objective, self.parameters[0].device)
        theta, evaluation, g = self._current(objective)
        f, reach = evaluation.value, self._reach
        share = self.rule.share_of(reach, division.count, self._how)
        pooled = self.curvature if self.sweep.pooled and division.shared else None
        solve = GroupSolve(
            sweep=self.sweep,
            rule=self.rule,
            radius=self.radius,
            reach=share,
            steps=steps,
            pooled=pooled,
            in_place=self._in_place(division),
            local_models=self.local_models,
            deadline=self.deadline,
            around=around,
        )
        groups = self.divider.order(division)
        corrections = [solve.run(division, group, theta, evaluation) for group in groups]
        teaches = self.sweep.pooled and self.decomposition.teaches
        pairs = min(steps * len(corrections[0].records), PAIRS) if teaches else 0
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
        self.schedule.after_sweep(trial.rho, gain, trial.length, corrections, division.cost)
        self._resize(division, trial, corrections)
        self._prepared = None
        if self.rejections and self.rejections % PATIENCE == 0:
            self.curvature.prepare(evaluation)
            self._rebuild()
        records = [record for correction in corrections for record in correction.records]
        self._report(trial.rho, trial.accepted, trial.predicted, trial.length, f)
        sweep = SweepInfo(trial.rho, trial.accepted, trial.predicted, f, steps, reach, trial.length)
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
        gram = self.products.gram if division.sharded else lambda a, b: a @ b.T
        trial = _Trial(*combine(list(corrections), g, self._how, gram))
        around.restore()
        moved = any(record.accepted for correction in corrections for record in correction.records)
        rounding = ROUNDING * torch.finfo(theta.dtype).eps * abs(max(self.values))
        if not (moved and trial.predicted > rounding):
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
        if self.sweep.pooled and self.decomposition.teaches and not self._in_place(division):
            # Lengths are those in the model that the parts have started from.  After the pairs of one it is
            # another; the lengths of the next would scale it once more.
            learned = [*corrections[0].pairs]
            learned += [(s, y, None) for correction in corrections[1:] for s, y, _ in correction.pairs]
        # Where a rejected sweep has led, far away, f is another function than the model is of.
        if finite and (trial.accepted or self.rule.covers(self.radius, trial.length)):
            learned.append((trial.s, change, None))
        self.curvature.learn_all(learned)
        return trial

    @property
    def _how(self) -> str:
        """Name of the combination of the groups' corrections."""
        return self.sweep.combination or self.decomposition.combination

    @property
    def _reach(self) -> float:
        """The radius of the next sweep."""
        return self.schedule.reach if self.sweep.adaptive else self.radius

    def _in_place(self, division: Division) -> bool:
        """Return whether parts teach the one model directly: they follow one another, in all parameters."""
        return self.sweep.pooled and division.shared and division.count == 1 and self.curvature.learns

    def _resize(self, division: Division, trial: _Trial, corrections: Sequence[Correction]) -> None:
        """Change the radius of steps after a sweep.

        A sweep of a fixed number of steps was within this radius, and changes it as any step.  Else it is the
        radius that the local ratios have found, and smaller after a sweep that failed.
        """
        if not self.sweep.adaptive:
            limited = trial.length > FAR * self._reach
            step = Step(trial.s, trial.predicted, limited, trial.length or self._reach)
            self.radius = self.rule.next(self.radius, trial.rho, step, trial.accepted)
            return
        if self.sweep.pooled and division.shared:
            self.radius = self.rule.pooled([c.records[-1].radius for c in corrections])
        if trial.rho <= 0:
            self.radius = self.rule.after_failed_sweep(self.radius)
            self.local_models.resize(self.rule.after_failed_sweep)

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """Return all that is needed to continue bit for bit; all ranks call it together."""
        own = self.local_models.state_dict()
        if self.communicator.size > 1 and not self.decomposition.sharded:
            own = {k: v for shard in self.communicator.gather_objects(own) for k, v in shard.items()}
        state = {
            **self.schedule.state_dict(),
            **self.divider.state_dict(),
            "earned": self._earned.state_dict(),
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
        if SHARDS in rest:
            self.curvature = saved_kind(rest[SHARDS][0], self.curvature, self.products)
            own = sum(p.numel() for p in self.parameters)
            rest = resharded(rest[SHARDS], type(self.curvature), len(self.parameters), own, self.communicator)
        if "sapts" not in rest:
            raise InputError("this state was not saved by SAPTS; resume with the method it was written by")
        state = rest.pop("sapts")
        self.products.split_by(state["sizes"])
        super().load_state_dict(rest)
        self.schedule.load_state_dict(state)
        self._earned = Earnings.of(state.get("earned"))
        each, rank = self.count // self.communicator.size, self.communicator.rank
        kept = state["local"] if state["parts"] == self.count else {}
        if not self.decomposition.sharded:
            kept = {number: saved for number, saved in kept.items() if number // each == rank}
        # States of earlier versions do not name the models: those of stages were all dense then.
        former = "ssbroyden" if self.decomposition.sharded else self.local_models.name
        name = self.sweep.local_curvature or former or "ssbroyden"
        self.local_models.load_state_dict(kept, name, self.parameters[0].device)
        self.divider.load_state_dict(state)
