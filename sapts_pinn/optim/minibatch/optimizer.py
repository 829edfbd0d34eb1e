"""SAPTS on micro-batches: sweeps of trust-region Adam, controlled by the loss on one and the same batch.

One step at theta_k is one sweep:

1. *Sweep.*  Every group takes m steps of radius Delta (`tradam.py`) from theta_k, one with each of its
   micro-batches, and nobody talks meanwhile:
       data        each group has micro-batches of its own,
       parameters  each moves its own blocks, the others' frozen, all with the same micro-batches,
       stages      each moves its own stages; what enters them, and the cotangents of what leaves them, come
                   from one pass through the network with each micro-batch, and are frozen in further local
                   steps with it.
2. The groups' corrections are combined: their mean for data, their sum otherwise.  The moments that they have
   found are pooled in the same way, so that everybody begins the next sweep with what all know.
3. *Control.*  The loss f_C on some micro-batches apart, always the same, is compared with the last values it
   had, v_j: a sweep that leaves it above max v + (max v - min v) is taken back, theta_k and the moments are
   restored bit for bit and the radius is halved.  Single sweeps may well go up, for their gradients are noisy
   (non-monotone trust regions: arXiv:2605.14860).  What is reported as rho is max v - f_C(theta_k + s) over
   the reduction that the gradients promised along the way.

**The radius** to begin with is searched for (`radius_search.py`), around the one given, on which results thus
hardly depend.  Towards the end of the budget it shrinks to zero linearly (`used`), for what remains then is
noise, which smaller steps average out (Defazio et al., arXiv:2310.07831).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...objectives.base import Objective, Separable
from ...objectives.flat import distinct, gather, scatter_
from ...parallel.communicator import Communicator, SingleProcess
from ...pipeline.pipeline_objective import PipelineObjective
from ..sapts.blocks import parameter_parts
from ..sapts.local_solve import Record
from ..sapts.settings import ORDERS
from ..sapts.stages import StagePart
from ..snapshot import Surroundings
from ..undecorated import Undecorated
from .batches import Batch, MicroBatches
from .moments import Moments
from .radius_search import search

DECOMPOSITIONS = ("data", "parameters", "stages")
CONTROL = 4  # micro-batches of the control
SEARCH = 0.5  # of the steps of a sweep, while the radius is searched for: of the many tried one is kept
WINDOW = 10  # values of the control with which the next is compared


@dataclass
class Outcome:
    """Where a sweep led.

    Attributes:
        s: The correction, [n].
        moments: Afterwards.
        loss: Mean of the micro-batches'.
        predicted: The reduction that their gradients promised.
        records: Of this rank's parts.
        buffers: Of the objective, afterwards.
        value: f_C afterwards.
    """

    s: Tensor
    moments: Moments
    loss: float
    predicted: float
    records: list[Record]
    buffers: list[Tensor]
    value: float = math.nan


class MiniBatchSAPTS(Undecorated):
    """SAPTS for losses on many samples, as a PyTorch optimizer.

    The parts of a process walk one after the other, each with three copies of the parameters (z, m and v),
    which it gives up before the next begins.  However many there are, a sweep of n parameters on one rank
    holds 13 vectors [n] at most besides the parameters themselves, and 15 while radii are tried.

    Args:
        params: The tensors to train, one group.
        decomposition: "data" (SAPTS_D), "parameters" (SAPTS_P) or "stages" (SAPTS_IP).
        parts: Number of parts over all ranks, a multiple of the number of ranks.
        radius: Where the search for the radius begins.
        batch: Samples in a micro-batch.
        steps: Micro-batches of a part in one sweep.
        local_steps: Steps with each micro-batch.
        order: "multiplicative" (the parts of a process follow one another) or "additive".
        kind: How parameters are divided, of `decomposition.PARAMETER_KINDS`; by default by layers, or by
            neurons where there are more parts than layers.
        communicator: The ranks; by default this process is alone.

    Attributes:
        info: Of the last sweep: radius, rho, accepted, predicted, length, converged (never), `sweep`, and
            `parts`: for each part of this rank a dict of number, gain, radius, length, steps, accepted, work.
        used: Share of the budget that is spent, in [0, 1]; set by whoever knows.
        deadline: `time.monotonic()` after which one process tries no further radius.

    Raises:
        InputError: An argument out of range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        decomposition: str = "data",
        parts: int = 1,
        radius: float = 1e-3,
        batch: int = 128,
        steps: int = 32,
        local_steps: int = 1,
        order: str = "multiplicative",
        kind: str | None = None,
        communicator: Communicator | None = None,
    ) -> None:
        self.communicator = communicator or SingleProcess()
        for name, value, known in (
            ("decomposition", decomposition, DECOMPOSITIONS),
            ("order", order, ORDERS),
        ):
            if value not in known:
                raise InputError(f"unknown {name} {value!r}; choose one of {', '.join(known)}")
        for name, number in (("steps", steps), ("local_steps", local_steps)):
            if number < 1:
                raise InputError(f"{name} must be at least 1, and is {number}")
        if not (radius > 0 and math.isfinite(radius)):
            raise InputError(f"radius must be positive and finite, not {radius}")
        ranks = self.communicator.size
        if parts < 1 or parts % ranks:
            raise InputError(
                f"parts must be a positive multiple of the number of ranks, {ranks}, not {parts}"
            )
        super().__init__(distinct(params), {"lr": 1.0})
        if len(self.param_groups) != 1:
            raise InputError("MiniBatchSAPTS does not support several parameter groups")
        self.decomposition, self.count, self.order = decomposition, parts, order
        self.steps, self.local_steps = steps, local_steps
        self.radius = self.most = float(radius)
        self.batches = MicroBatches(batch, Generator().manual_seed(0))
        self.moments = Moments.like(gather(self.parameters))
        self.used, self.deadline = 0.0, math.inf
        self.info: dict[str, Any] = {}
        self._values: deque[float] = deque(maxlen=WINDOW)
        self._control: list[Batch] = []
        self._blocks: list[Tensor] = []
        if decomposition == "parameters":
            matrices = sum(p.dim() > 1 for p in self.parameters)
            kind = kind or ("layers" if parts <= matrices else "neurons")
            self._blocks = parameter_parts(self.parameters, parts, kind)

    @property
    def parameters(self) -> list[Tensor]:
        """The tensors trained."""
        return list(self.param_groups[0]["params"])

    # -- the step ----------------------------------------------------------------------------------

    @torch.no_grad()
    def step(self, closure: Objective | Callable[[], Tensor | float]) -> Tensor:  # type: ignore[override]
        """One sweep, tried with many radii until one was accepted.

        Args:
            closure: An objective that knows its points, for stages one that knows its stages as well.

        Returns:
            The mean loss of the micro-batches, a tensor without shape.

        Raises:
            TypeError: The objective does not know its points, or its stages.
            FloatingPointError: The loss is not finite where training begins.
        """
        objective = self._checked(closure)
        around = Surroundings(objective, self.parameters[0].device)
        theta = gather(self.parameters)
        if not self._values:
            self._control = [self.batches.draw(objective) for _ in range(CONTROL)]
            value = self._value(objective)
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"the loss is {value} at the starting point; check the initial network"
                )
            self._values.append(value)
        searches = len(self._values) == 1  # nothing was accepted yet
        steps = max(1, round(SEARCH * self.steps)) if searches else self.steps
        own = self._groups if self.decomposition == "data" else 1
        batches = [self.batches.draw(objective) for _ in range(own * steps)]

        def attempt(radius: float) -> Outcome:
            scatter_(self.parameters, theta)
            around.restore()
            return self._attempt(objective, theta, batches, radius)

        left = 1.0 - min(max(self.used, 0.0), 1.0)
        outcome = self._search(attempt) if searches else attempt(self.radius * left)
        before, high, low = self._values[-1], max(self._values), min(self._values)
        finite = math.isfinite(outcome.value)
        accepted = finite and outcome.value <= high + (high - low)
        if accepted:
            self.moments = outcome.moments.clone()  # without the correction, with which they share memory
            self._values.append(outcome.value)
            scatter_(self.parameters, theta + outcome.s)
            _put_back(objective, outcome.buffers)
            self.radius = min(self.most, self.radius * 2.0 ** (1.0 / WINDOW))  # what was taken back too often
        else:
            scatter_(self.parameters, theta)
            around.restore()
            self.radius *= 0.5 if finite else 0.1
        loss = outcome.loss if finite else before
        if len(objective.term_names) == 1:  # of several only the sum is known
            objective.last_terms = dict.fromkeys(objective.term_names, loss)
        rho = (high - outcome.value) / outcome.predicted if finite and outcome.predicted > 0 else -math.inf
        done = {"rho": rho, "accepted": accepted, "predicted": outcome.predicted}
        self.info = {
            **done,
            "radius": self.radius * left,
            "length": float(outcome.s.norm()),
            "converged": False,
            "sweep": {**done, "before": before, "local_steps": steps * self.local_steps},
            "parts": [asdict(record) for record in outcome.records],
        }
        return theta.new_tensor(loss)

    @property
    def _groups(self) -> int:
        """Number of sets of parts that do not wait for each other, on all ranks."""
        return self.count if self.order == "additive" else self.communicator.size

    def _checked(self, objective: Any) -> Separable:
        if not isinstance(objective, Separable):
            raise TypeError("micro-batches need an objective that knows its samples, such as Supervised")
        if (self.decomposition == "stages") != isinstance(objective, PipelineObjective):
            raise TypeError(
                f"a decomposition of the {self.decomposition} does not suit {type(objective).__name__}; "
                "stages, and nothing else, need a PipelineObjective as the objective"
            )
        if isinstance(objective, PipelineObjective) and len(objective.chain.stages) != self.count:
            raise InputError(
                f"the network is cut into {len(objective.chain.stages)} stages, not into {self.count}; "
                "make the chain with as many parts"
            )
        if sum(p.numel() for p in objective.parameters) != len(self.moments.m):
            raise InputError("the objective depends on other parameters than those this optimizer was given")
        return objective

    def _search(self, attempt: Callable[[float], Outcome]) -> Outcome:
        """The sweep of the best radius, which becomes the radius."""
        best: tuple[float, Outcome] | None = None

        def value(radius: float) -> float:
            nonlocal best
            if best is not None and self.communicator.size == 1 and time.monotonic() > self.deadline:
                return math.inf
            outcome = attempt(radius)
            if best is None or outcome.value < best[1].value or not math.isfinite(best[1].value):
                best = radius, outcome
            return outcome.value

        self.radius = self.most = search(value, self.radius, self._values[-1])
        assert best is not None
        # Of all outcomes one is kept, for they are three vectors each.
        return best[1] if best[0] == self.radius else attempt(self.radius)

    def _attempt(self, objective: Separable, theta: Tensor, batches: list[Batch], radius: float) -> Outcome:
        """A sweep from theta_k and its control."""
        walk = {"data": self._over_data, "parameters": self._over_blocks, "stages": self._over_stages}
        s, moments, (loss, predicted), records = walk[self.decomposition](objective, theta, batches, radius)
        outcome = Outcome(s, moments, loss, predicted, records, _buffers(objective))
        if math.isfinite(loss):
            scatter_(self.parameters, theta + s)
            outcome.value = self._value(objective)
        return outcome

    def _value(self, objective: Separable) -> float:
        """f_C; buffers are left alone.  Ranks share the work, and get the same bits."""
        ranks, sharded = self.communicator, self.decomposition == "stages"
        found = torch.zeros(CONTROL, dtype=torch.float64, device=self.moments.m.device)
        before = _buffers(objective)
        for i, batch in enumerate(self._control):
            if sharded or i % ranks.size == ranks.rank:
                found[i] = objective.restrict(batch, estimate=True).value()
        _put_back(objective, before)
        if ranks.size > 1 and not sharded:
            found = ranks.all_reduce(found)
        return float(found.mean())

    # -- the parts ---------------------------------------------------------------------------------

    def _over_data(self, objective: Separable, theta: Tensor, batches: list[Batch], radius: float) -> Walked:
        """Every group goes its own way; the mean of where they get."""
        each, n, ranks = self._groups // self.communicator.size, len(theta), self.communicator
        sums, before = theta.new_zeros(3 * n + 2), _buffers(objective)
        records, after = list[Record](), before
        steps = len(batches) // self._groups
        for group in range(ranks.rank * each, (ranks.rank + 1) * each):
            own = batches[group * steps : (group + 1) * steps]
            z, moments = theta.clone(), self.moments.clone()
            _put_back(objective, before)
            record, loss = self._walk(objective, own, z, moments, radius, None, group)
            if not records:
                after = _buffers(objective)
            records.append(record)
            sums[:n] += z.sub_(theta)
            sums[n : 2 * n] += moments.m
            sums[2 * n : 3 * n] += moments.v
            sums[3 * n :] += theta.new_tensor([loss, record.gain])
        self._share(objective, after)
        sums = ranks.all_reduce(sums).div_(self._groups)
        return *self._summed(sums, n, steps), records

    def _over_blocks(
        self, objective: Separable, theta: Tensor, batches: list[Batch], radius: float
    ) -> Walked:
        """Every part moves its block, all with the same micro-batches; the sum of what they do."""
        each, n, ranks = self.count // self.communicator.size, len(theta), self.communicator
        sums, before = theta.new_zeros(3 * n + 2), _buffers(objective)
        records, after = list[Record](), before
        z, additive = theta.clone(), self.order == "additive"
        for part in range(ranks.rank * each, (ranks.rank + 1) * each):
            block = self._blocks[part]
            if additive:
                z.copy_(theta)
                _put_back(objective, before)
            moments = self.moments.take(block)
            record, loss = self._walk(objective, batches, z, moments, radius, block, part)
            if not (records and additive):
                after = _buffers(objective)
            records.append(record)
            for place, piece in ((0, z[block] - theta[block]), (n, moments.m), (2 * n, moments.v)):
                sums[place + block] = piece
            sums[3 * n :] += theta.new_tensor([loss / self.count, record.gain])
        self._share(objective, after)
        return *self._summed(ranks.all_reduce(sums), n, len(batches)), records

    def _summed(self, sums: Tensor, n: int, steps: int) -> tuple[Tensor, Moments, list[float]]:
        """The correction, the moments and the numbers of walks of so many micro-batches."""
        s, m, v, numbers = sums.split([n, n, n, 2])
        return s, Moments(m, v, self.moments.count + steps * self.local_steps), numbers.tolist()

    def _share(self, objective: Separable, buffers: list[Tensor]) -> None:
        """Everybody goes on with the buffers of the first group, as is usual where data are divided."""
        if self.communicator.size > 1 and buffers:
            first = self.communicator.broadcast(torch.cat([b.reshape(-1).double() for b in buffers]))
            pieces = first.split([b.numel() for b in buffers])
            buffers = [piece.view_as(b) for piece, b in zip(pieces, buffers, strict=True)]
        _put_back(objective, buffers)

    def _walk(
        self,
        objective: Separable,
        batches: list[Batch],
        z: Tensor,
        moments: Moments,
        radius: float,
        block: Tensor | None,
        number: int,
    ) -> tuple[Record, float]:
        """Steps with one micro-batch after the other, which move z and moments; and the mean loss."""
        record, total, began = Record(number, radius=radius), 0.0, objective.counters.gradients
        for batch in batches:
            local = objective.restrict(batch, estimate=True)
            for _ in range(self.local_steps):
                scatter_(self.parameters, z)
                look = local.evaluate()
                g = look.gradient()
                s = moments.step(g if block is None else g[block], radius)
                if block is None:
                    z += s
                else:
                    z[block] += s
                record.gain -= float((g if block is None else g[block]).dot(s))
                record.length += float(s.norm())
                record.steps += 1
                total += look.value
            if not math.isfinite(total):
                break
        record.accepted, record.work = record.steps, objective.counters.gradients - began
        return record, total / (len(batches) * self.local_steps)

    def _over_stages(
        self, objective: Separable, theta: Tensor, batches: list[Batch], radius: float
    ) -> Walked:
        """One pass through the network with each micro-batch, then steps of the stages by themselves."""
        assert isinstance(objective, PipelineObjective)
        z, moments, total = theta.clone(), self.moments.clone(), 0.0
        began, owned = objective.counters.gradients, objective.chain.owned
        sizes = [objective.chain.sizes[stage] for stage in owned]
        parts = [
            StagePart(stage, own)
            for stage, own in zip(owned, torch.arange(len(z), device=z.device).split(sizes), strict=True)
        ]
        records = [Record(stage, radius=radius) for stage in owned]
        for batch in batches:
            scatter_(self.parameters, z)
            local = objective.restrict(batch, estimate=True)
            look = local.evaluate()
            total += look.value
            g = look.gradient()
            for k in range(self.local_steps):
                if k:
                    g = torch.cat([self._of_stage(part, look, z) for part in parts])
                s = moments.step(g, radius)
                z += s
                for record, slope, step in zip(records, g.split(sizes), s.split(sizes), strict=True):
                    record.gain -= float(slope.dot(step))
                    record.length += float(step.norm())
                    record.steps += 1
            if not math.isfinite(total):  # the same on all ranks
                break
        work = (objective.counters.gradients - began) / len(z)
        for record, size in zip(records, sizes, strict=True):
            record.accepted, record.work = record.steps, work * size
        gain = theta.new_tensor(sum(record.gain for record in records))
        predicted = float(self.communicator.all_reduce(gain))
        return z.sub_(theta), moments, [total / len(batches), predicted], records

    def _of_stage(self, part: StagePart, look: Any, z: Tensor) -> Tensor:
        """The gradient of a stage's own objective, [its n]."""
        part.centre(z, look, None)
        return part.evaluate(z).gradient()

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue bit for bit, loadable with weights_only=True."""
        own = {
            "radius": self.radius,
            "most": self.most,
            "moments": self.moments.state_dict(),
            "batches": self.batches.state_dict(),
            "control": [dict(batch) for batch in self._control],
            "values": list(self._values),
            "info": dict(self.info),
        }
        return {**super().state_dict(), "minibatch": own}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state.

        Raises:
            InputError: The state is of another optimizer.
        """
        rest = dict(state_dict)
        if "minibatch" not in rest:
            raise InputError(
                "this state was not saved by MiniBatchSAPTS; resume with the method it was written by"
            )
        state = rest.pop("minibatch")
        super().load_state_dict(rest)
        self.radius, self.most, self.info = state["radius"], state["most"], dict(state["info"])
        self.moments.load_state_dict(state["moments"])
        self.batches.load_state_dict(state["batches"])
        self._control = [dict(batch) for batch in state["control"]]
        self._values = deque(state["values"], maxlen=WINDOW)


# The correction, the moments, mean loss and promised reduction, and the records.
Walked = tuple[Tensor, Moments, list[float], list[Record]]


def _buffers(objective: Objective) -> list[Tensor]:
    """A copy of the objective's buffers."""
    return [b.clone() for b in objective.buffers()]


def _put_back(objective: Objective, values: list[Tensor]) -> None:
    """Give the objective's buffers these values."""
    for buffer, value in zip(objective.buffers(), values, strict=True):
        buffer.copy_(value)
