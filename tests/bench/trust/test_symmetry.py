"""Random problems that are symmetric by construction, or are not."""

import pytest
import torch

from sapts_pinn.bench.trust.symmetry import Truth, random_problem, run, wrong_claims
from sapts_pinn.problems.symmetry.symmetry import Symmetry


class Claims:
    def __init__(self, **symmetries: Symmetry) -> None:
        self.symmetries = symmetries


@pytest.mark.parametrize(
    ("truth", "wrong"),
    [
        (Truth(even={"x"}, ends={"x"}), 0),
        (Truth(even={"x"}), 1),
        (Truth(odd={"x"}, ends={"x"}), 1),
        (Truth(), 2),
    ],
)
def test_claims_are_held_against_the_truth(truth, wrong):
    assert len(wrong_claims(Claims(x=Symmetry((1,), (1,))), truth)) == wrong
    assert wrong_claims(Claims(), truth) == []


def test_a_seed_draws_the_same_problem_and_the_truth_names_its_coordinates():
    (first, truth), (second, again) = random_problem(1), random_problem(1)
    assert truth == again and truth.even | truth.odd <= set(first.domain.names)
    assert first.domain.bounds.tolist() == second.domain.bounds.tolist()
    assert not torch.equal(first.domain.bounds, random_problem(2)[0].domain.bounds)


def test_what_was_found_is_counted():
    found = run(2, start=10)
    assert found["problems"] == 2 and found["found"] <= found["symmetric"]
    assert found["symmetric"] + found["not_symmetric"] >= 2 and found["false_claims"] == []
