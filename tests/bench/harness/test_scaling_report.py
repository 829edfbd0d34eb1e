"""Tables and picture of the scaling suite, from made-up runs."""

import pytest

from sapts_pinn.bench.harness.cost_model import predict
from sapts_pinn.bench.harness.scaling_report import (
    PREDICTED,
    cost_in_words,
    draw_times,
    prediction_table,
    time_tables,
)

MODEL = {
    "work": {
        "tr": {"replicated": 2e-3, "divided": 30e-3},
        "sapts-d": {"replicated": 9e-3, "divided": 80e-3},
    },
    "latency": 1e-3, "seconds_per_byte": 1e-8, "off_typically": 0.02, "off_at_most": 0.1,
}  # fmt: skip


def made_up(method, ranks, seed, seconds, delay=0, reached=True):
    return {
        "method": method, "ranks": ranks, "seed": seed, "delay": delay, "seconds": seconds,
        "reached": reached,
        "iterations": 10, "collectives": 10 * (ranks > 1), "messages": 0, "bytes": 1e6 * (ranks - 1),
        "summed_per_step": 1e5, "gathered_per_step": 0.0,
    }  # fmt: skip


ROWS = [
    *(made_up("tr", ranks, seed, 4.0 / ranks) for ranks in (1, 2) for seed in (0, 1)),
    made_up("sapts-d", 2, 0, 1.0),
    made_up("sapts-d", 2, 1, 9.0, reached=False),
    made_up("tr", 2, 0, 50.0, delay=20),
]


def test_times_are_means_of_what_reached_and_ratios_are_by_seed():
    (_, columns, lines), (title, _, ratios) = time_tables(ROWS, 0, cores=1, seeds=2)
    found = {line[0]: line[1:6] for line in lines}
    assert columns[1:6] == ["reached", "seconds", "speed-up", "efficiency", "steps"]
    assert found["1 rank, tr"] == [
        "2/2",
        "4.0 [4.0, 4.0]",
        "1.00 [1.00, 1.00]",
        "100% [100%, 100%]",
        "10 [10, 10]",
    ]
    assert found["2 ranks (oversubscribed), tr"][2:4] == ["2.00 [2.00, 2.00]", "100% [100%, 100%]"]
    assert found["2 ranks (oversubscribed), sapts-d"] == ["1/2", "1.0", "-", "-", "10"]
    assert ratios == [["2 ranks (oversubscribed), sapts-d", "1/2", "0.50", "1.00", "1.00"]]
    assert "0 ms added" in title
    delayed = {line[0]: line[2] for line in time_tables(ROWS, 20, cores=2, seeds=2)[0][2]}
    assert delayed == {"1 rank, tr": "4.0 [4.0, 4.0]", "2 ranks, tr": "50.0"}


def test_predictions_are_those_of_the_cost_model():
    ((title, columns, lines),) = prediction_table(ROWS, MODEL, [0])
    assert title.startswith("PREDICTION, not measured") and len(columns) == 1 + len(PREDICTED)
    expected = 10 * predict(MODEL, ROWS[2], PREDICTED[0], 0.0)
    assert lines[0][0] == "0 ms, tr" and float(lines[0][1]) == pytest.approx(expected, rel=5e-3)
    assert prediction_table(ROWS, {}, [0]) == []


def test_the_constants_in_words_and_the_picture(tmp_path):
    (sentence,) = cost_in_words(MODEL)
    assert "tr: 2 ms replicated + 30 ms / ranks" in sentence and "bandwidth 100 MB/s" in sentence
    assert "off by 2% typically, 10% at most" in sentence
    assert cost_in_words({})[0].startswith("note: no cost model")
    assert "not seen to matter" in cost_in_words({**MODEL, "seconds_per_byte": 0.0})[0]
    draw_times(tmp_path / "t.png", ROWS, MODEL, [0, 20], cores=1, target=1e-3)
    assert (tmp_path / "t.png").stat().st_size > 0
