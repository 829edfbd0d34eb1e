"""Several methods in one call."""

import csv
from pathlib import Path

import pytest

from sapts_pinn import compare, solve
from sapts_pinn.errors import InputError
from sapts_pinn.problems.zoo import build
from small_runs import SMALL, rod


def test_methods_are_compared_in_a_table_and_a_picture(tmp_path: Path):
    found = compare(build("poisson-1d"), ["tr", "adam"], "4 iterations", seeds=2, **SMALL)
    one = solve(build("poisson-1d"), method="adam", seed=1, budget="4 iterations", **SMALL)
    assert found.solutions["adam"][1].result["loss"] == one.result["loss"]
    assert [(row["method"], row["seed"]) for row in found.rows] == [
        ("tr", 0),
        ("tr", 1),
        ("adam", 0),
        ("adam", 1),
    ]
    assert found.rows[3]["error"] == one.result["relative_l2_error"] and found.rows[3]["steps"] == 4
    assert repr(found) == "Comparison(poisson-1d: tr, adam; 4 runs)"
    caption, head, *body = str(found).splitlines()
    assert caption == "poisson-1d, 4 iterations each, medians over seeds 0, 1"
    assert head.split() == ["method", "error", "from", "to", "loss", "steps", "gradients", "seconds"]
    assert [line.split()[0] for line in body] == ["tr", "adam"] and len({len(line) for line in body}) == 1
    errors = [row["error"] for row in found.rows[:2]]
    assert body[0].split()[2:4] == [f"{min(errors):.2e}", f"{max(errors):.2e}"]
    page = found._repr_html_()
    assert page.count("<tr>") == 3 and "<td>adam</td>" in page and "medians over seeds 0, 1" in page
    rows = list(csv.DictReader(found.to_csv(tmp_path / "a.csv").read_text().splitlines()))
    assert len(rows) == 4 and float(rows[3]["error"]) == one.result["relative_l2_error"]
    assert found.plot(tmp_path / "a.png").stat().st_size > 1000
    assert found.best.result["relative_l2_error"] == min(row["error"] for row in found.rows)


def test_errors_are_estimates_where_there_is_no_reference(tmp_path):
    asked = {"narrow <3>": {"network": (3,)}, "wide": {"network": (5, 5), "method": "adam"}}
    found = compare(rod(), asked, "3 iterations", points=32, out=tmp_path)
    assert (
        not found.measured
        and "estimated error" in str(found)
        and "rod, 3 iterations each, seed 0" in str(found)
    )
    assert found.solutions["wide"][0].config["network"] == [5, 5]
    assert "narrow &lt;3&gt;" in found._repr_html_()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["narrow-3--seed0", "wide-seed0"]
    again = compare(rod(), asked, "3 iterations", points=32, resume=tmp_path, seeds=[0, 1])
    assert [s.result["loss"] for s in (again.solutions["wide"][0], found.solutions["wide"][0])] == [
        found.rows[1]["loss"]
    ] * 2
    assert [*again.solutions["wide"]] == [0, 1]


def test_an_estimate_that_is_not_reliable_is_marked(tmp_path):
    found = compare(rod(), ["tr", "adam"], "3 iterations", **SMALL)
    for name, reliable in (("tr", True), ("adam", False)):
        estimate = found.solutions[name][0].result["error_estimate"]
        estimate |= {"reliable": reliable, "relative": 0.5 if reliable else 0.25}
    _, _, tr, adam, note = str(found).splitlines()
    assert tr.split()[1] == "5.00e-01" and adam.split()[1] == "2.50e-01?"
    assert note == "? estimates of which some are not reliable" and note in found._repr_html_()
    assert [row["reliable"] for row in found.rows] == [True, False]
    assert found.best is found.solutions["tr"][0], "the lower estimate is none to rely on"
    assert "reliable" in found.to_csv(tmp_path / "a.csv").read_text()


def test_mistakes_show_before_the_first_run():
    with pytest.raises(InputError, match="unknown method 'adma'; did you mean 'adam'"):
        compare(rod(), ["tr", "adma"], "1 iteration")
    with pytest.raises(InputError, match="methods must be names such as sapts-d, tr"):
        compare(rod(), [], "1 iteration")
    with pytest.raises(InputError, match="methods must be names such as"):
        compare(rod(), 3, "1 iteration")
    with pytest.raises(InputError, match="a comparison needs a seed"):
        compare(rod(), seeds=0)
