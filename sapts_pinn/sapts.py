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
region: the decomposition fades where it does not pay, and is tried again later.

Sources: Cruz Alegria et al., arXiv:2312.13677 and 2502.05133; additive and multiplicative Schwarz methods for
convex optimization: Park, arXiv:1912.03617; the linear term of F_d is that of variance reduction, Johnson &
Zhang (2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from .communicator import Alone, Communicator
from .curvature import Curvature
from .decomposition import PARAMETER_KINDS
from .division import Division, divide
from .flat import gather, scatter_
from .local import Correction, improve
from .objective import ClosureObjective, Evaluation, Objective
from .parts import Part
from .subproblem import InnerProducts, secular
from .trust_region import PATIENCE, RadiusRule, Surroundings, TrustRegion, make_curvature

SHORTEN, GROW = 0.6, 1.25  # of the number of local steps
REGROW = 1.1  # the same after a plain step, so that sweeps are tried again after some eight of them
TINY = 1e-300
DECOMPOSITIONS = ("data", "parameters", "stages")
COMBINATIONS = ("sum", "mean", "subspace")
ORDERS = ("additive", "multiplicative")


@dataclass(frozen=True)
class Sweep:
    """How the parts are used.

    Attributes:
        kind: How they are cut: of `decomposition.DATA_KINDS` (or a coordinate), or `PARAMETER_KINDS`.
        overlap: By how much data parts are enlarged.
        local_steps: At most so many trust-region steps of a part in one sweep; 0 leaves the plain method.
        adaptive: Whether their number follows rho; else it is fixed, and so is the global pass.
        order: "multiplicative" (in one process all parts are one group) or "additive" (each is its own).
        visits: Parts of a group visited in one sweep, in random order; 0 for all.
        combination: Of the groups: "sum", "mean" or "subspace"; None for the mean of data parts and the sum
            of the others.
        pooled: Whether the parts' pairs feed the one model of the curvature.
        consistent: Whether data parts have the gradient of f at theta_k.
        global_steps: Steps of the trust region on f after every sweep.
        local_curvature: The parts' own model; None for that of the whole.
        low: m shrinks when a sweep's rho is below.
        high: m grows when it is above.
    """

    kind: str = "interleaved"
    overlap: float = 0.0
    local_steps: int = 20
    adaptive: bool = True
    order: str = "multiplicative"
    visits: int = 1
    combination: str | None = None
    pooled: bool = True
    consistent: bool = True
    global_steps: int = 0
    local_curvature: str | None = None
    low: float = 0.1
    high: float = 0.3

    def __post_init__(self) -> None:
        for name, value, known in (
            ("order", self.order, ORDERS),
            ("combination", self.combination, (None, *COMBINATIONS)),
        ):
            if value not in known:
                raise ValueError(
                    f"unknown {name} {value!r}; choose one of {', '.join(k for k in known if k)}"
                )
        for name, number in (
            ("local_steps", self.local_steps),
            ("visits", self.visits),
            ("global_steps", self.global_steps),
        ):
            if number < 0:
                raise ValueError(f"{name} must not be negative, and is {number}")
        if not 0 <= self.low <= self.high < 1:
            raise ValueError(f"0 <= low <= high < 1 is needed, not {self.low} and {self.high}")


class _Sharded(InnerProducts):
    """Products of vectors that consist of stages: summed over this rank's stages, then over the ranks."""

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator
        self.sizes: list[int] = []  # of this rank's stages

    def gram(self, rows: Tensor, others: Tensor) -> Tensor:
        """The products of rows [r, n] with others [k, n], [r, k]."""
        own = torch.zeros(len(rows), len(others), dtype=torch.float64, device=rows.device)
        for a, b in zip(rows.split(self.sizes, 1), others.split(self.sizes, 1), strict=True):
            # Copies, because the last bits of a product depend on where in memory a vector begins.
            own += a.to(torch.float64, copy=True) @ b.to(torch.float64, copy=True).T
        return self.communicator.all_reduce(own).cpu()


class SAPTS(TrustRegion):
    """The additively preconditioned trust region as a PyTorch optimizer.

    Args:
        params: The tensors to train, one group.
        decomposition: "data" (SAPTS_D), "parameters" (SAPTS_P) or "stages" (SAPTS_IP).
        parts: Number of parts over all ranks, a multiple of the number of ranks.
        curvature: The model of the Hessian, see `TrustRegion`.
        radius: Initial radius of a step, in the model's norm.
        sweep: How the parts are used.
        rule: When steps are accepted, and the radius.
        communicator: The ranks; by default this process is alone.

    Attributes:
        info: As of `TrustRegion`, of the sweep or of the global pass, with `parts`: for each part visited a
            dict of number, gain, radius, length, steps, accepted, work; and `sweep`: rho, accepted,
            local_steps, f before and the reduction predicted.

    Raises:
        ValueError: An argument out of range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        decomposition: str = "data",
        parts: int = 4,
        curvature: str | Curvature = "ssbroyden",
        radius: float = 1.0,
        sweep: Sweep | None = None,
        rule: RadiusRule | None = None,
        communicator: Communicator | None = None,
    ) -> None:
        self.communicator = communicator or Alone()
        self._products = _Sharded(self.communicator)
        if decomposition == "stages" and isinstance(curvature, str):
            curvature = make_curvature(curvature, self._products)
        super().__init__(params, curvature, radius)
        self.kind = curvature if isinstance(curvature, str) else "ssbroyden"
        if decomposition not in DECOMPOSITIONS:
            raise ValueError(
                f"unknown decomposition {decomposition!r}; choose one of {', '.join(DECOMPOSITIONS)}"
            )
        if parts < 1 or parts % self.communicator.size:
            raise ValueError(
                f"parts must be a positive multiple of the number of ranks, {self.communicator.size}, "
                f"not {parts}"
            )
        self.decomposition, self.count = decomposition, parts
        self.sweep = sweep or Sweep(
            kind=PARAMETER_KINDS[0] if decomposition == "parameters" else "interleaved"
        )
        self.rule = rule or self.rule
        self.generator = Generator().manual_seed(0)
        self.local_steps = float(
            min(self.sweep.local_steps, 4) if self.sweep.adaptive else self.sweep.local_steps
        )
        self._local: dict[
            int, tuple[Curvature, float]
        ] = {}  # parts with a model of their own: it, its radius
        self._division: Division | None = None
        self._drawn = self.generator.get_state()  # the generator when the division was made,
        self._later: Tensor | None = None  # and, after loading, to set once it is made again

    def _everywhere(self, flag: bool) -> bool:
        """Of shards every rank sees its own only."""
        if self.decomposition != "stages" or self.communicator.size == 1:
            return flag
        return float(self.communicator.all_reduce(torch.tensor(float(not flag)))) == 0.0

    # -- the division ------------------------------------------------------------------------------

    def _divide(self, objective: Objective) -> Division:
        """The parts of an objective; made anew when the points have changed."""
        if self._division is None or self._division.objective is not objective:
            self._drawn = self.generator.get_state()
            self._division = divide(
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
            self._products.sizes = [
                len(part.indices) for part in self._division.own if part.indices is not None
            ]
            if self._later is not None:
                self.generator.set_state(self._later)
                self._later = None
        return self._division

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
            loss = super().step(division.whole)
            self.info |= swept
            if self.info["converged"]:
                break
        if not swept and self.sweep.local_steps and self.sweep.adaptive and self.info["accepted"]:
            self._lengthen(self.info["rho"], REGROW)
        return loss

    def _sweep(self, division: Division, steps: int) -> Tensor:
        """Steps 2 to 4: local solves, combination, control."""
        objective = division.whole
        around = Surroundings(objective, self.parameters[0].device)
        theta, evaluation, g = self._current(objective)
        f = evaluation.value
        corrections = [self._improve(division, group, steps) for group in self._order(division)]
        pairs = steps * len(corrections[0].records) if self.sweep.pooled and not division.sharded else 0
        corrections = division.exchange(corrections, pairs)
        s, predicted = self._combine(corrections, g)
        around.restore()
        trial: Evaluation | None = None
        rho = -math.inf
        moved = any(record.accepted for correction in corrections for record in correction.records)
        if moved and predicted > 0:
            scatter_(self.parameters, theta + s)
            trial = division.look(corrections, alone=len(corrections) == 1)
            if math.isfinite(trial.value):
                rho = (max(self.values) - trial.value) / predicted
        accepted = trial is not None and rho > self.rule.accept
        if trial is not None and math.isfinite(trial.value):
            g_trial = trial.gradient()
            finite = self._everywhere(bool(torch.isfinite(g_trial).all()))
            accepted = accepted and finite
            if self.sweep.pooled and not self._in_place(division) and not division.sharded:
                for correction in corrections:
                    for pair in correction.pairs:
                        self.curvature.learn(*pair)
            if finite:
                self.curvature.learn(s, g_trial - g)
        if accepted and trial is not None:
            self.values.append(trial.value)
            self._at = (objective, gather(self.parameters), trial, g_trial)
            self.rejections, self._stalled = 0, False
        else:
            scatter_(self.parameters, theta)
            around.restore()
            self.rejections += 1
        self._adapt_sweep(rho, corrections)
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
        size, own = len(division.groups[0]), len(division.groups)
        draws = [torch.randperm(size, generator=self.generator).tolist() for _ in range(division.count)]
        first = self.communicator.rank * own
        return [
            [group[i] for i in draw[: self.sweep.visits or None]]
            for group, draw in zip(division.groups, draws[first : first + own], strict=True)
        ]

    def _combine(self, corrections: list[Correction], g: Tensor) -> tuple[Tensor, float]:
        """The combined correction and its predicted reduction."""
        count = len(corrections)
        how = self.sweep.combination or ("mean" if self.decomposition == "data" else "sum")
        if count == 1:
            return corrections[0].s, corrections[0].predicted
        weights = [1.0 / count if how == "mean" else 1.0] * count
        predicted = sum(w * c.predicted for w, c in zip(weights, corrections, strict=True))
        if how == "subspace":
            found = self._best(corrections, g)
            if found is not None:
                weights, predicted = found
        s = torch.zeros_like(g)
        for weight, correction in zip(weights, corrections, strict=True):
            s += weight * correction.s
        return s, predicted

    def _best(self, corrections: list[Correction], g: Tensor) -> tuple[list[float], float] | None:
        """The minimiser of g.s + s.Bs/2 over the span of the corrections, where B s_d = y_d is what they saw.

        No more than the length of the plain sum is allowed; None if there is no such minimiser.
        """
        S = torch.stack([c.s for c in corrections])
        others = torch.stack([g, *(c.y for c in corrections)])
        both = self._products.gram(S, others) if self.decomposition == "stages" else S @ others.T
        slope, gram = both[:, 0], both[:, 1:]
        if not (torch.isfinite(slope).all() and torch.isfinite(gram).all()):
            return None
        values, vectors = torch.linalg.eigh(0.5 * (gram + gram.T))
        step = secular(slope, values.clamp(min=0.0), vectors, math.sqrt(len(corrections)))
        return (step.s.tolist(), step.predicted) if step.predicted > 0 else None

    def _adapt_sweep(self, rho: float, corrections: list[Correction]) -> None:
        """The number of local steps, and the radius that the local ratios found."""
        if self.sweep.adaptive:
            self._lengthen(rho, GROW)
        shared = self.sweep.pooled and self.decomposition == "data"
        if shared:
            radii = [c.records[-1].radius for c in corrections]
            self.radius = math.exp(sum(math.log(max(r, TINY)) for r in radii) / len(radii))
        if rho <= 0:
            self.radius *= 0.5
            self._local = {i: (curvature, 0.5 * radius) for i, (curvature, radius) in self._local.items()}

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
                if part.number not in self._local:
                    self._local[part.number] = (
                        make_curvature(self.sweep.local_curvature or self.kind),
                        self.radius,
                    )
                curvature, radius = self._local[part.number]
            known = part.begin(evaluation, base) if z is theta else None
            if known is None or (curvature.linearises and not known.whole):
                known = part.evaluate(z)
            before = division.objective.counters.gradients
            z, end, record, pairs = improve(part, z, known, curvature, radius, steps, self.rule)
            record.work = division.objective.counters.gradients - before
            if pooled:
                radius = record.radius
            else:
                self._local[part.number] = curvature, record.radius
            done.records.append(record)
            done.pairs += pairs
            done.last = (part, end)
        done.s = z - theta
        for _, change, _ in done.pairs:
            y = y + change
        done.y = y
        return done

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue bit for bit; all ranks call it together."""
        own = {
            number: {"curvature": curvature.state_dict(), "radius": radius}
            for number, (curvature, radius) in self._local.items()
        }
        if self.communicator.size > 1 and not (self.sweep.pooled and self.decomposition == "data"):
            own = {k: v for shard in self.communicator.gather_objects(own) for k, v in shard.items()}
        state = {
            "local_steps": self.local_steps,
            "parts": self.count,
            "local": own,
            "drawn": self._drawn,
            "generator": self.generator.get_state(),
        }
        return {**super().state_dict(), "sapts": state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state.

        Raises:
            ValueError: The state is of another optimizer.
        """
        rest = dict(state_dict)
        if "sapts" not in rest:
            raise ValueError("this state was not saved by SAPTS; resume with the method it was written by")
        state = rest.pop("sapts")
        super().load_state_dict(rest)
        self.local_steps, self._local, self._division = state["local_steps"], {}, None
        for number, saved in state["local"].items() if state["parts"] == self.count else ():
            curvature = make_curvature(self.sweep.local_curvature or self.kind)
            curvature.load_state_dict(saved["curvature"])
            self._local[number] = curvature, saved["radius"]
        # The division that was in use is drawn again from the same state of the generator.
        self.generator.set_state(state["drawn"])
        self._later = state["generator"]
