"""SAPTS: the stochastic additively preconditioned trust-region strategy.

One step at theta_k:

1. f and g = grad f, by all ranks together.
2. *Sweep.*  Every part improves its own objective F_d (`parts.py`) from theta_k by up to m trust-region
   steps, and nobody talks meanwhile: the nonlinear preconditioner.  Parts of one group follow one another,
   each from where the last ended (multiplicative); groups are independent (additive), one or more per rank.
3. The groups' corrections are combined, s = sum_d s_d, their mean, or the best point of their span.
4. *Control.*  rho = (f(theta_k) - f(theta_k + s)) / predicted, with the global f and the sum of the
   reductions of the F_d.  The sweep is taken, or theta_k restored bit for bit.
5. *Global pass.*  Steps of the trust region on f itself (`TrustRegion.step`).

**Pooled curvature.**  The pairs (s, y) of all parts feed the one model that everybody starts from, and after
every sweep so does the global pair (theta_{k+1} - theta_k, g_{k+1} - g_k).  The parts' pairs are cheap but
carry the Hessian of some points only; the global pair costs nothing, for both gradients are needed anyway,
and sets right along the sweep what the parts have learned wrong.  Without it the parts' noise accumulates in
the model as accuracy grows.

**How far a sweep goes.**  A local step obeys the radius, which the local ratios adapt.  The number m of local
steps is adapted by rho: a sweep that the parts' objectives mispredict is too long for the parts' accuracy.
As the loss falls the parts agree less, m shrinks, and below 2 the step becomes that of the plain trust
region: the decomposition fades where it does not pay, and is tried again later.  rho alone does not tell when
data parts should fade, for it weighs all directions by what they contribute to f, while at high accuracy
those decide along which f hardly changes.  So the sweep's change of the gradient is compared with what the
parts have seen of it, in the metric of the model,

    eta = |(g(theta_k + s) - g(theta_k)) - y|_H / |g(theta_k + s) - g(theta_k)|_H.

On Burgers' equation eta is about 0.8 while sweeps help, and 0.99 when they no longer do: what the parts know
of the curvature is noise then.

Sources: Cruz Alegria et al., arXiv:2312.13677 and 2502.05133; additive and multiplicative Schwarz methods for
convex optimization: Park, arXiv:1912.03617; the linear term of F_d is that of variance reduction, Johnson &
Zhang (2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...objectives.base import Evaluation, Objective, Separable
from ...objectives.closure import ClosureObjective
from ...objectives.data_parallel import DataParallelEvaluation
from ...objectives.flat import distinct, gather, scatter_
from ...parallel.communicator import Communicator, SingleProcess
from ..curvature import Curvature, Pair
from ..curvature.make import curvature_by_size, curvature_name, make_curvature
from ..radius import RadiusRule
from ..snapshot import Surroundings
from ..trust_region import PATIENCE, TrustRegion
from .batches import Batches
from .blocks import PARAMETER_KINDS
from .combine import combine
from .exchange import Division, divide
from .local_solve import Correction, improve
from .settings import Sweep
from .stages import ShardedProducts
from .subdomain import Part

FIRST = 4  # local steps of the first sweep
SHORTEN, GROW = 0.6, 1.25  # of the number of local steps
REGROW = 0.1  # more after a plain step: sweeps are tried again after eight of them, later if they did not pay
PAIRS = 8  # that a group's sweep gives to the others, its latest: more cost as much and teach no more
MEMORY = 0.1  # weight of the latest plain step in the mean rate
LONG = 0.02  # weight of the latest sweep in the mean of eta: one sweep says little
BLIND = 0.9  # mean eta at which the parts see too little of f
TINY = 1e-300
DECOMPOSITIONS = ("data", "parameters", "stages")


class SAPTS(TrustRegion):
    """The additively preconditioned trust region as a PyTorch optimizer.

    Args:
        params: The tensors to train, one group.
        decomposition: "data" (SAPTS_D), "parameters" (SAPTS_P) or "stages" (SAPTS_IP).
        parts: Number of parts over all ranks, a multiple of the number of ranks.
        curvature: The model of the Hessian, see `TrustRegion`; None chooses by size, dense while it fits.
            The parts have models of the same kind, unless the sweep names another.
        radius: Initial radius of a step, in the model's norm.
        sweep: How the parts are used.
        rule: When steps are accepted, and the radius.
        communicator: The ranks; by default this process is alone.

    Attributes:
        info: As of `TrustRegion`, of the sweep or of the global pass, with `parts`: for each part visited a
            dict of number, gain, radius, length, steps, accepted, work; and `sweep`: rho, accepted,
            local_steps, f before and the reduction predicted.

    Raises:
        InputError: An argument out of range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        decomposition: str = "data",
        parts: int = 4,
        curvature: str | Curvature | None = "ssbroyden",
        radius: float = 1.0,
        sweep: Sweep | None = None,
        rule: RadiusRule | None = None,
        communicator: Communicator | None = None,
    ) -> None:
        self.communicator = communicator or SingleProcess()
        self._products = ShardedProducts(self.communicator)
        params = distinct(params)
        # Name of the parts' models, None where each part's size decides.
        self._local_name = curvature_name(curvature) if isinstance(curvature, Curvature) else curvature
        if curvature is None:
            n = sum(p.numel() for p in params)
            curvature = "lbfgs" if decomposition == "stages" else curvature_by_size(n)
        if decomposition == "stages" and isinstance(curvature, str):
            curvature = make_curvature(curvature, self._products)
        super().__init__(params, curvature, radius)
        if decomposition not in DECOMPOSITIONS:
            raise InputError(
                f"unknown decomposition {decomposition!r}; choose one of {', '.join(DECOMPOSITIONS)}"
            )
        if parts < 1 or parts % self.communicator.size:
            raise InputError(
                f"parts must be a positive multiple of the number of ranks, {self.communicator.size}, "
                f"not {parts}"
            )
        self.decomposition, self.count = decomposition, parts
        self.sweep = sweep or Sweep(
            kind=PARAMETER_KINDS[0] if decomposition == "parameters" else "interleaved"
        )
        self.rule = rule or self.rule
        self.generator = Generator().manual_seed(0)
        limit = self.sweep.local_steps
        self.local_steps = float(min(limit, FIRST) if self.sweep.adaptive else limit)
        self.reach = math.inf  # bound of a part's way in a sweep of a fixed number of steps
        self.deadline = math.inf  # `time.monotonic()` after which a sweep is cut short
        self._plain_rate = math.inf  # of log f per unit of work, by steps without a sweep; unknown yet
        self._unpaid = 0  # sweeps in a row that did worse
        self._eta = 0.0  # mean over sweeps on all points; the parts are trusted until they have failed often
        # Of parts with a model of their own: it, and its radius.
        self._local: dict[int, tuple[Curvature, float]] = {}
        self.batches = Batches(self.sweep.batch)
        self._whole: Objective | None = None  # what is given to `step`,
        self._sequence: dict[str, Tensor] = {}  # the order of its residuals, of which batches are runs,
        self._division: Division | None = None  # and the current batch, divided
        self._ordered = self._drawn = (
            self.generator.get_state()
        )  # before the sequence, and the division, were
        self._later: dict[str, Tensor] | None = (
            None  # drawn; and, after loading, the states to draw them from
        )

    def _everywhere(self, flag: bool) -> bool:
        """Of shards every rank sees its own only."""
        if self.decomposition != "stages" or self.communicator.size == 1:
            return flag
        return float(self.communicator.all_reduce(torch.tensor(float(not flag)))) == 0.0

    # -- the division ------------------------------------------------------------------------------

    def _divide(self, objective: Objective) -> Division:
        """The parts of the current batch of an objective; made anew when points or batch have changed."""
        if self._division is None or self._whole is not objective:
            # What was drawn before a state was saved is drawn again from the same states of the generator.
            before, self._later = self._later, None
            self._whole = objective
            if before is not None:
                self.generator.set_state(before["ordered"])
            self._ordered = self.generator.get_state()
            if not self.batches.whole:
                if not isinstance(objective, Separable):
                    raise TypeError("batches need an objective that knows its points; drop the option batch")
                self._sequence = self.batches.order(objective, self.generator)
            if before is not None:
                self.generator.set_state(before["drawn"])
            self._division = self._cut(objective)
            if before is not None:
                self.generator.set_state(before["generator"])
        return self._division

    def renew(self) -> None:
        """The points are about to change: what a loaded state says of the old ones' division is done with."""
        if self._later is not None:
            self.generator.set_state(self._later["generator"])
            self._later = None

    def forget(self) -> None:
        """As of `TrustRegion`; models that parts have of their own are gone."""
        super().forget()
        self._local = {}

    def _cut(self, objective: Objective) -> Division:
        self._drawn = self.generator.get_state()
        if isinstance(objective, Separable) and not self.batches.whole:
            objective = self.batches.take(objective, self._sequence)
        division = divide(
            objective,
            self.decomposition,
            self.count,
            self.sweep.kind,
            self.sweep.overlap,
            self.sweep.consistent,
            self.sweep.order == "additive",
            self.generator,
            self.communicator,
        )
        owned = (part.indices for part in division.own)
        self._products.sizes = [len(indices) for indices in owned if indices is not None]
        return division

    def _next_batch(self, division: Division) -> None:
        """A new batch where one is due; a larger one where the old one's noise decides, or nothing moves."""
        if self.batches.whole:
            return
        stuck, self.info["converged"] = self.info["converged"], False
        if not (self.batches.due() or stuck):
            return
        assert self._whole is not None and self._at is not None
        whole = self._at[2]
        if isinstance(whole, DataParallelEvaluation):
            gradient = whole.gradient()
            own = sum(float((self.count * p.gradient() - gradient).square().sum()) for p in whole.parts)
            spread = float(self.communicator.all_reduce(gradient.new_tensor(own)))
            stuck = self.batches.noisy(spread, self.count, float(gradient.square().sum())) or stuck
        if stuck:
            self.batches.grow()
        self.batches.advance()
        self._division = self._cut(self._whole)

    # -- the step ----------------------------------------------------------------------------------

    @torch.no_grad()
    def step(self, closure: Objective | Callable[[], Tensor | float]) -> Tensor:  # type: ignore[override]
        """One sweep and its global pass.

        Args:
            closure: An `Objective`; an ordinary closure only suits a decomposition of the parameters.

        Returns:
            The loss at the parameters this leaves behind, a tensor without shape.

        Raises:
            TypeError: The objective cannot be divided as asked.
        """
        objective = closure if isinstance(closure, Objective) else ClosureObjective(closure, self.parameters)
        division = self._divide(objective)
        steps = int(self.local_steps)
        swept: dict[str, Any] = {}
        if steps >= (2 if self.sweep.adaptive else 1):
            loss = self._sweep(division, steps)
            swept = {name: self.info[name] for name in ("parts", "sweep")}
            passes = self.sweep.global_steps
        else:
            passes = max(1, self.sweep.global_steps)
        for _ in range(passes):
            before = self.values[-1] if self.values else math.nan
            loss = super().step(division.whole)
            self.info |= swept
            if self.info["converged"]:
                break
        if not swept and self.sweep.local_steps and self.sweep.adaptive and self.info["accepted"]:
            gain = math.log(before / float(loss)) if before > float(loss) > 0 else 0.0
            rate, known = gain * division.count, self._plain_rate
            self._plain_rate = rate if math.isinf(known) else known + MEMORY * (rate - known)
            self._lengthen(self.info["rho"], 1.0 + REGROW / 2.0 ** min(self._unpaid, 10))
        self._next_batch(division)
        return loss

    def _sweep(self, division: Division, steps: int) -> Tensor:
        """Steps 2 to 4: local solves, combination, control."""
        objective = division.whole
        around = Surroundings(objective, self.parameters[0].device)
        theta, evaluation, g = self._current(objective)
        f = evaluation.value
        corrections = [self._improve(division, group, steps) for group in self._order(division)]
        pairs = min(steps * len(corrections[0].records), PAIRS) if self.sweep.pooled else 0
        corrections = division.exchange(corrections, pairs)
        how = self.sweep.combination or ("mean" if division.shared else "sum")
        gram = self._products.gram if division.sharded else lambda a, b: a @ b.T
        s, predicted = combine(corrections, g, how, gram)
        around.restore()
        trial: Evaluation | None = None
        rho = -math.inf
        moved = any(record.accepted for correction in corrections for record in correction.records)
        if moved and predicted > 0:
            alone = corrections[0].end if len(corrections) == 1 else None
            scatter_(self.parameters, theta + s if alone is None else alone)
            trial = division.look(corrections, alone is not None)
            if math.isfinite(trial.value):
                rho = (max(self.values) - trial.value) / predicted
        accepted = trial is not None and rho > self.rule.accept
        if trial is not None and math.isfinite(trial.value):
            g_trial = trial.gradient()
            finite = self._everywhere(bool(torch.isfinite(g_trial).all()))
            if finite and division.shared and self.batches.whole:
                self._compare(g_trial - g, torch.stack([c.y for c in corrections]).mean(0))
            accepted = accepted and finite
            learned: list[Pair] = []
            if self.sweep.pooled and not self._in_place(division) and not division.sharded:
                learned = [pair for correction in corrections for pair in correction.pairs]
            if finite:
                learned.append((s, g_trial - g, None))
            self.curvature.learn_all(learned)
        if accepted and trial is not None:
            self.values.append(trial.value)
            self._at = (objective, gather(self.parameters), trial, g_trial)
            self.rejections, self._stalled = 0, False
        else:
            scatter_(self.parameters, theta)
            around.restore()
            self.rejections += 1
        gain = math.log(f / trial.value) if accepted and trial is not None and trial.value > 0 else 0.0
        self._adapt_sweep(division, rho, gain, corrections)
        self._prepared = None
        if self.rejections and self.rejections % PATIENCE == 0:
            self.curvature.prepare(evaluation)
            if self.curvature.reset():
                self.radius = max(self.radius, 1.0)
        records = [record for correction in corrections for record in correction.records]
        self._report(rho, accepted, predicted, max(record.length for record in records))
        self.info["parts"] = [asdict(record) for record in records]
        self.info["sweep"] = {
            "rho": rho,
            "accepted": accepted,
            "local_steps": steps,
            "before": f,
            "predicted": predicted,
        }
        return torch.tensor(trial.value if accepted and trial is not None else f, dtype=theta.dtype)

    def _in_place(self, division: Division) -> bool:
        """Whether the parts may teach the one model directly: they follow one another, in all parameters."""
        return self.sweep.pooled and division.shared and division.count == 1 and self.curvature.learns

    def _order(self, division: Division) -> list[list[Part]]:
        """For each group of this rank the parts to visit, in turn; every rank draws for all."""
        draws = [
            [torch.randperm(size, generator=self.generator).tolist() for size in sizes]
            for sizes in division.sizes
        ]
        return [
            [group[i] for i in draw[: self.sweep.visits or None]]
            for group, draw in zip(division.groups, draws[self.communicator.rank], strict=True)
        ]

    def _adapt_sweep(
        self, division: Division, rho: float, gain: float, corrections: list[Correction]
    ) -> None:
        """The number of local steps, and the radius that the local ratios found.

        Data parts must know something of f.  Blocks and stages cost a pass over all points at every local
        step, so that their sweeps must also earn as much per work as plain steps do, in work done side by
        side by as many ranks as there are groups.
        """
        work = max(sum(record.work for record in c.records) for c in corrections)
        if self.sweep.adaptive:
            if division.shared:
                paid = self._eta < BLIND
            else:
                paid = gain >= self._plain_rate * (work + 1.0 / division.count)
            self._unpaid = 0 if paid else self._unpaid + 1
            self._lengthen(rho if paid else -math.inf, GROW)
        else:
            way = max(record.length for c in corrections for record in c.records)
            if rho < self.rule.shrink and way > 0:
                self.reach = 0.5 * way
            elif rho > self.rule.grow and way > 0.5 * self.reach:
                self.reach *= 2.0
        shared = self.sweep.pooled and self.decomposition == "data"
        if shared:
            radii = [c.records[-1].radius for c in corrections]
            self.radius = math.exp(sum(math.log(max(r, TINY)) for r in radii) / len(radii))
        if rho <= 0:
            self.radius *= 0.5
            self._local = {i: (curvature, 0.5 * radius) for i, (curvature, radius) in self._local.items()}

    def _compare(self, change: Tensor, seen: Tensor) -> None:
        """Take eta of a sweep into its mean."""
        whole, missed = self.curvature.square(change), self.curvature.square(change - seen)
        if not (whole > 0 and missed >= 0):
            return
        self._eta += LONG * (math.sqrt(missed / whole) - self._eta)

    def _lengthen(self, rho: float, factor: float) -> None:
        """More local steps after a sweep that came out as predicted, fewer after one that did not."""
        if rho < self.sweep.low:
            self.local_steps = max(1.0, SHORTEN * self.local_steps)
        elif rho > self.sweep.high:
            self.local_steps = min(float(self.sweep.local_steps), factor * self.local_steps)

    def _improve(self, division: Division, group: list[Part], steps: int) -> Correction:
        """The local solves of one group, in turn."""
        assert self._at is not None
        _, theta, evaluation, _ = self._at
        pooled = self.sweep.pooled and division.shared
        model = self.curvature
        if pooled and not self._in_place(division):
            model = model.branch()
        z, y = theta, torch.zeros_like(theta)
        done = Correction(z, y, [])
        radius = self.radius
        for part in group:
            base = division.base(part, evaluation)
            part.centre(theta, evaluation, base)
            if pooled:
                curvature = model
            else:
                own = self._local.get(part.number)
                curvature, radius = own or (self._fresh_model(part), self.radius)
            known = part.begin(evaluation, base) if z is theta else None
            if known is None or (curvature.linearises and not known.whole):
                known = part.evaluate(z)
            before = division.objective.counters.gradients
            z, end, record, pairs = improve(
                part, z, known, curvature, radius, steps, self.rule, self.reach, self.deadline
            )
            record.work = division.objective.counters.gradients - before
            if pooled:
                radius = record.radius
            else:
                self._local[part.number] = curvature, record.radius
            done.records.append(record)
            done.pairs += pairs
            done.last = (part, end)
        done.s, done.end = z - theta, z
        for _, change, _ in done.pairs:
            y = y + change
        done.y, done.pairs = y, done.pairs[-PAIRS:]
        return done

    def _fresh_model(self, part: Part) -> Curvature:
        """A model for a part: of the kind that the whole has, dense only while the part's matrix fits."""
        size = sum(p.numel() for p in self.parameters) if part.indices is None else len(part.indices)
        return make_curvature(self.sweep.local_curvature or self._local_name or curvature_by_size(size))

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue bit for bit; all ranks call it together."""
        own = {
            number: {
                "name": curvature_name(curvature),
                "curvature": curvature.state_dict(),
                "radius": radius,
            }
            for number, (curvature, radius) in self._local.items()
        }
        if self.communicator.size > 1 and self.decomposition != "stages":
            own = {k: v for shard in self.communicator.gather_objects(own) for k, v in shard.items()}
        state = {
            "local_steps": self.local_steps,
            "parts": self.count,
            "plain_rate": self._plain_rate,
            "unpaid": self._unpaid,
            "eta": self._eta,
            "local": own,
            "sizes": list(self._products.sizes),
            "batches": self.batches.state_dict(),
            "reach": self.reach,
            "random": self._later
            or {"ordered": self._ordered, "drawn": self._drawn, "generator": self.generator.get_state()},
        }
        return {**super().state_dict(), "sapts": state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state.

        Raises:
            InputError: The state is of another optimizer.
        """
        rest = dict(state_dict)
        if "sapts" not in rest:
            raise InputError("this state was not saved by SAPTS; resume with the method it was written by")
        state = rest.pop("sapts")
        self._products.sizes = list(state["sizes"])
        super().load_state_dict(rest)
        self.local_steps, self._local, self._division = state["local_steps"], {}, None
        self._plain_rate, self._unpaid, self._eta = state["plain_rate"], state["unpaid"], state["eta"]
        self.reach = state["reach"]
        each = self.count // self.communicator.size
        for number, saved in state["local"].items() if state["parts"] == self.count else ():
            if self.decomposition != "stages" and number // each != self.communicator.rank:
                continue
            # States of earlier versions have no name: the models of stages were all dense then.
            former = "ssbroyden" if self.decomposition == "stages" else self._local_name
            name = saved.get("name") or self.sweep.local_curvature or former or "ssbroyden"
            curvature = make_curvature(name)
            curvature.load_state_dict(saved["curvature"])
            self._local[number] = curvature, saved["radius"]
        self.batches.load_state_dict(state["batches"])
        self._later = dict(state["random"])
