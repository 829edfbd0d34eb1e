"""Detection of dead ranks by their heartbeats."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta

import torch.distributed as dist

# Its default arguments keep the group that there is when it is loaded.  Left to PyTorch's optimizers, which
# load it at their first step, that is ours, whose threads would then outlive it and might abort the exit.
from ..errors import RankFailure
from .communicator import name_ranks

BEAT = 0.25  # seconds from one beat to the next
GRACE = 3.0  # seconds a rank has to show its pulse once something went wrong
RESUME = "the run stops, resume from the last checkpoint"


class Heartbeat(threading.Thread):
    """Thread that beats for this rank and watches the beats of the others.

    Attributes:
        finding: Description of a failure, once some rank has found one.
    """

    def __init__(self, rank: int, size: int, timeout: float) -> None:
        super().__init__(name="sapts_pinn pulse", daemon=True)
        self.finding: str | None = None
        self._rank, self._size = rank, size
        # `torchrun` keeps the store in its own process, and the same one when it restarts the ranks.
        self._hosted_apart = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        self._store = dist.PrefixStore(  # type: ignore[attr-defined]
            f"sapts_pinn/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}",
            dist.TCPStore(  # type: ignore[attr-defined]
                os.environ["MASTER_ADDR"],
                int(os.environ["MASTER_PORT"]),
                is_master=False,
                timeout=timedelta(seconds=timeout),
            ),
        )
        self._keys = [f"pulse {r}" for r in range(size)]
        self._last, self._heard = [b""] * size, [time.monotonic()] * size
        self._answered = time.monotonic()
        self._own_finding: str | None = None
        self._left = threading.Event()
        self._store.set(self._keys[rank], "0")

    def run(self) -> None:
        """Beat until this rank leaves, or the store is gone."""
        beats = 0
        while not self._left.wait(BEAT):
            beats += 1
            try:
                self._beat(beats)
            except RuntimeError:
                return

    def _beat(self, beats: int) -> None:
        self._store.set(self._keys[self._rank], str(beats))
        pulses = self._store.multi_get(self._keys)
        self._answered = time.monotonic()
        for rank, (last, pulse) in enumerate(zip(self._last, pulses, strict=True)):
            if pulse != last:
                self._heard[rank] = self._answered
        self._last = pulses
        if self._own_finding is not None:
            self._store.compare_set("finding", "", self._own_finding)  # the first one stays
        if self._store.check(["finding"]):
            self.finding = self._store.get("finding").decode()

    def silent(self, since: float) -> list[int]:
        """List the ranks without a beat since that moment; rank 0 if the store does not answer either."""
        if self.ident is None:  # the ranks are still meeting
            return []
        if self._answered < since:
            return [] if self._hosted_apart else [0]
        return [rank for rank in range(self._size) if rank != self._rank and self._heard[rank] < since]

    def failure(self, error: RuntimeError, asked_to_stop: bool, timeout: float) -> RankFailure:
        """Find the cause of a failed operation; takes `GRACE` seconds unless a rank already knows."""
        began = time.monotonic()
        while self.finding is None and time.monotonic() < began + GRACE:
            time.sleep(BEAT / 5)
        if self.finding is None:
            self._own_finding = self._judge(error, asked_to_stop, timeout, since=began + GRACE / 2)
            while self.finding is None and self.is_alive() and time.monotonic() < began + GRACE + 4 * BEAT:
                time.sleep(BEAT / 5)
            if self._rank == 0 and not self._hosted_apart:
                time.sleep(4 * BEAT)  # the others have to read it before the store goes with this process
        return RankFailure(self.finding or self._own_finding)

    def _judge(self, error: RuntimeError, asked_to_stop: bool, timeout: float, since: float) -> str:
        late = "timed out" in str(error).lower()
        silent = self.silent(since)
        if silent:
            has, its = ("has", "its connection") if len(silent) == 1 else ("have", "their connections")
            verb = f"{has} stopped answering, died or lost" if late else f"{has} died or lost"
            return f"{name_ranks(silent)} {verb} {its}; {RESUME}"
        if self._answered < since:
            return f"torchrun has died or lost its connection; {RESUME}"
        if asked_to_stop:
            return f"rank {self._rank} was asked to stop (SIGTERM); {RESUME}"
        if late:
            return (
                f"rank {self._rank} waited {timeout:g} s for the others although all of them are alive; "
                f"{RESUME}, with a longer `timeout` if a rank had so much to compute"
            )
        return f"communication failed although all ranks are alive ({first_line(error)}); {RESUME}"

    def leave(self) -> None:
        """Stop beating."""
        self._left.set()
        if self.is_alive():
            self.join(timeout=GRACE)  # it may wait for a store that does not answer


def first_line(error: BaseException) -> str:
    """First line of an error's message."""
    return str(error).partition("\n")[0]
