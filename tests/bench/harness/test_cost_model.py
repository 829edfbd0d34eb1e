"""The cost model of the scaling suite."""

import pytest

from sapts_pinn.bench.harness import cost_model


def test_the_cost_model_recovers_its_constants():
    truth = {
        "work": {
            "tr": {"replicated": 2e-3, "divided": 30e-3},
            "sapts-d": {"replicated": 9e-3, "divided": 80e-3},
        },
        "latency": 1e-3,
        "seconds_per_byte": 1e-8,
    }
    rows = []
    for method, summed, gathered, operations in (("tr", 2e4, 0.0, 1), ("sapts-d", 2e4, 4e5, 2)):
        for ranks, delay in ((1, 0), (2, 0), (2, 5), (2, 20), (4, 0), (4, 20)):
            row = {
                "method": method, "ranks": ranks, "delay": delay, "iterations": 10, "messages": 0,
                "summed_per_step": summed, "gathered_per_step": gathered,
                "collectives": 10 * operations * (ranks > 1),
                "bytes": 10 * (summed + gathered) * (ranks - 1),
                "probes": [(b, 1e-3 + 1e-8 * b) for b in (8, 8e3, 8e5)] if ranks > 1 else [],
            }  # fmt: skip
            row["seconds"] = 10 * cost_model.predict(truth, row, ranks, 1e-3 * delay, cores=2)
            rows.append(row)
    found = cost_model.fit(rows, cores=2)
    assert found["off_at_most"] < 1e-8
    for name in ("latency", "seconds_per_byte"):
        assert found[name] == pytest.approx(truth[name], rel=1e-6)
    for name, value in truth["work"].items():
        assert found["work"][name] == pytest.approx(value, rel=1e-6)
    assert cost_model.fit(rows[:1], cores=2) == {}
