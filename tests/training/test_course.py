"""The phases of a method one after the other, each with its optimizer."""

import pytest
import torch

from sapts_pinn.errors import InputError
from sapts_pinn.optim.methods import method
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.training.course import Course


def parameters() -> list[torch.Tensor]:
    return [torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(2))]


def test_phases_follow_each_other_and_come_back():
    course, held, ranks = Course(method("adam-lbfgs")), parameters(), SingleProcess()
    course.begin(held, ranks)
    first = course.optimizer
    share = course.phase.share
    assert not course.is_over(share - 1e-6) and course.is_over(share)
    course.advance(12, held, ranks)
    assert course.optimizer is not first and (course.number, course.start) == (1, 12)
    assert not course.is_over(1.0), "the last phase lasts"
    again = Course(method("adam-lbfgs"))
    again.begin(held, ranks)
    again.restore(course.state_dict(), held, ranks)
    assert (again.number, again.start) == (1, 12) and type(again.optimizer) is type(course.optimizer)


def test_a_model_of_other_parameters_gets_another_optimizer():
    course, held, ranks = Course(method("tr")), parameters(), SingleProcess()
    course.begin(held, ranks)
    first = course.optimizer
    assert not course.follow([*held], ranks) and course.optimizer is first
    assert course.follow(held[:1], ranks) and course.optimizer is not first


@pytest.mark.parametrize(("given", "steps"), [(0, []), (4, [14, 18]), (None, [])])
def test_points_are_drawn_anew_by_steps_of_the_phase(given, steps):
    course, ranks = Course(method("adam-lbfgs"), resample=given), SingleProcess()
    course.begin(parameters(), ranks)
    course.advance(10, parameters(), ranks)
    assert [i for i in range(10, 20) if course.resamples(i)] == steps


@pytest.mark.parametrize(
    ("name", "given", "steps"),
    [
        ("tr", None, [50, 100, 200, 500, 1000]),
        ("sapts-d", None, [50, 100, 200, 500, 1000]),
        ("tr", 400, [400, 800]),
        ("tr", 0, []),
        ("lbfgs", None, [*range(25, 1001, 25)]),
    ],
)
def test_the_first_points_are_replaced_early(name, given, steps):
    course, ranks = Course(method(name), resample=given), SingleProcess()
    course.begin(parameters(), ranks)
    assert [i for i in range(1001) if course.resamples(i)] == steps


def test_an_option_that_no_phase_takes_is_refused():
    course = Course(method("tr"), {"radios": 1.0})
    with pytest.raises(InputError, match="phase 1 of the method does not take the option 'radios'"):
        course.begin(parameters(), SingleProcess())


def test_an_option_that_the_method_has_chosen_is_refused():
    course = Course(method("tr-lbfgs"), {"curvature": "lsr1"})
    with pytest.raises(InputError, match="does not take the option 'curvature'; drop it"):
        course.begin(parameters(), SingleProcess())
