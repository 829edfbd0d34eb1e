"""Heartbeats: whose pulse stands still, and the sentence that all survivors raise."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import torch.distributed as dist

from sapts_pinn.errors import RankFailure
from sapts_pinn.parallel import heartbeat
from sapts_pinn.parallel.heartbeat import Heartbeat, first_line

LATE, BROKEN = RuntimeError("Timed out waiting"), RuntimeError("connection closed\nby peer")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> dist.TCPStore:
    """Where the ranks meet, in this process; a beat and the grace take no time."""
    hosted = dist.TCPStore("127.0.0.1", 0, is_master=True, timeout=timedelta(seconds=20))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(hosted.port))
    for name in ("TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_RESTART_COUNT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(heartbeat, "BEAT", 0.01)
    monkeypatch.setattr(heartbeat, "GRACE", 0.05)
    return hosted


def ranks(size: int, timeout: float = 20.0) -> list[Heartbeat]:
    return [Heartbeat(rank, size, timeout) for rank in range(size)]


def test_a_rank_whose_pulse_stands_still_is_silent(store: dist.TCPStore) -> None:
    a, b, c = ranks(3)
    for rank in (a, b, c):
        rank.start()
    try:
        c.leave()
        c.join(5.0)
        since = began = time.monotonic()
        while a.silent(since) != [2]:
            assert time.monotonic() < began + 20
            time.sleep(0.2)  # the last beat may be heard late: then what counts is the time after it
            since += 0.2 if a.silent(since) == [] else 0.0
        error = a.failure(BROKEN, asked_to_stop=False, timeout=5.0)
        sentence = "rank 2 has died or lost its connection; the run stops, resume from the last checkpoint"
        assert isinstance(error, RankFailure) and str(error) == sentence
        assert str(b.failure(LATE, False, 5.0)) == sentence, "the first finding is everybody's"
    finally:
        a.leave()
        b.leave()


def test_ranks_that_are_still_meeting_are_not_silent(store: dist.TCPStore) -> None:
    first, _ = ranks(2)
    assert first.silent(time.monotonic() + 100) == []


def test_a_second_start_of_the_ranks_does_not_hear_the_first(
    store: dist.TCPStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alone,) = ranks(1)
    alone._store.set("finding", "of the first start")
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    (again,) = ranks(1)
    again._beat(1)
    assert again.finding is None
    alone._beat(1)
    assert alone.finding == "of the first start"


@pytest.mark.parametrize(
    ("error", "asked", "silent", "sentence"),
    [
        (BROKEN, False, [1], "rank 1 has died or lost its connection; the run stops"),
        (LATE, False, [1, 2], "ranks 1, 2 have stopped answering, died or lost their connections; the run"),
        (BROKEN, True, [], "rank 0 was asked to stop (SIGTERM); the run stops"),
        (LATE, False, [], "rank 0 waited 7 s for the others although all of them are alive; the run stops"),
        (BROKEN, False, [], "communication failed although all ranks are alive (connection closed); the run"),
    ],
)
def test_the_cause_is_told_in_a_sentence(
    store: dist.TCPStore, error: RuntimeError, asked: bool, silent: list[int], sentence: str
) -> None:
    found = Heartbeat(0, 3, 20.0)
    found.silent = lambda since: silent  # type: ignore[method-assign]
    assert found._judge(error, asked, 7.0, since=0.0).startswith(sentence)


def test_the_first_line_of_a_message_is_all_that_is_told() -> None:
    assert (first_line(BROKEN), first_line(ValueError())) == ("connection closed", "")
