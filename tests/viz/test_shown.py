"""Fields of a picture."""

import numpy as np

from pictured import screw, untrained, vortex, waves
from sapts_pinn.problems.zoo import build
from sapts_pinn.viz.grids import Cut, Section
from sapts_pinn.viz.shown import Shown, limits_of, profiles_of, shown_of
from sapts_pinn.viz.style import Meaning


def names(problem):
    return [s.name for s in shown_of(untrained(problem))]


def test_vectors_come_before_other_unknowns_and_fields_computed_of_them_first():
    assert names(vortex()) == ["|(u, v)|"] and names(screw()) == ["|(u, v, w)|"]
    assert names(waves()) == ["u", "v"]
    assert names(build("kovasznay")) == ["|(u, v)|", "p"]
    assert names(build("kirsch")) == ["von Mises stress", "|(u, v)|"]
    inverse = untrained(build("diffusion-inverse"))
    assert [s.name for s in shown_of(inverse)] == ["u"] and profiles_of(inverse) == {"k": "x"}


def test_the_length_of_a_vector_and_its_error():
    solution = untrained(build("kovasznay"))
    vector = shown_of(solution)[0]
    cut = Cut(solution, Section("x", "y", {}), 5)
    found, exact = cut.values.found, cut.values.exact
    assert np.allclose(vector.found(solution, cut), np.hypot(found["u"], found["v"]))
    assert np.allclose(vector.exact(cut.values), np.hypot(exact["u"], exact["v"]))
    off = np.hypot(found["u"] - exact["u"], found["v"] - exact["v"])
    assert np.allclose(vector.error(cut.values), off), "not the difference of the lengths"


def test_a_computed_field_is_known_inside_only():
    solution = untrained(build("kirsch"))
    stress = shown_of(solution)[0]
    cut = Cut(solution, Section("x", "y", {}), 9)
    values = stress.found(solution, cut)
    assert (np.isfinite(values) == cut.values.inside).all() and not cut.values.inside.all()
    assert stress.exact(cut.values) is None


def test_fields_alike_in_meaning_and_size_share_their_limits():
    fields = {"u": (Meaning.SIGNED, 1.0), "v": (Meaning.SIGNED, 1.5), "w": (Meaning.SIGNED, 9.0)}
    fields["p"] = (Meaning.LEVEL, 1.5)
    shown = [Shown(name, (name,), meaning) for name, (meaning, _) in fields.items()]
    values = {name: [np.array([0.0, size])] for name, (_, size) in fields.items()}
    assert limits_of(shown, values) == {"u": (-1.5, 1.5), "v": (-1.5, 1.5), "w": (-9, 9), "p": (0, 1.5)}
