"""Terms of the loss: what follows from their trace, their data and the treatment of their weight."""

import pytest
import torch

from sapts_pinn.problems import Sites, Term
from sapts_pinn.problems.conditions.base import Measurements
from sapts_pinn.problems.term import Balance, Trace


def term(**more):
    return Term(
        "it",
        2.0,
        Trace(2, {"u": ((), (0,))}),
        lambda n, generator, sampler: Sites(torch.zeros(n, 1)),
        lambda fields, sites, known: (fields["u"].value,),
        **more,
    )


def test_a_plain_term_has_free_sites_a_fixed_weight_and_no_units():
    plain = term()
    assert (plain.rows, plain.needs, plain.fixed, plain.noise) == (2, {"u": ((), (0,))}, None, None)
    assert not plain.balanced and not plain.held
    assert plain.row_units.tolist() == [[1.0], [1.0]]
    assert term(units=(3.0, 4.0)).row_units.tolist() == [[3.0], [4.0]]


def test_measurements_fix_the_number_of_sites():
    measured = term(data=Measurements(7, "u", 0.5))
    assert measured.fixed == 7 and measured.noise == 0.5


@pytest.mark.parametrize(
    ("balance", "balanced", "held"),
    [(Balance.FIXED, False, False), (Balance.BALANCED, True, False), (Balance.TIGHT, True, True)],
)
def test_the_weight_in_training(balance, balanced, held):
    found = term(balance=balance)
    assert (found.balanced, found.held) == (balanced, held)
