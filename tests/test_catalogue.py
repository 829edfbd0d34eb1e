"""The list of names is that of the tables that build things, line for line."""

from sapts_pinn import catalogue
from sapts_pinn.optim import methods
from sapts_pinn.problems import ZOO
from sapts_pinn.supervised import methods as on_samples
from sapts_pinn.supervised.tasks import TASKS


def test_problems():
    assert {name: (entry.group, entry.summary) for name, entry in ZOO.items()} == catalogue.PROBLEMS


def test_methods():
    assert {name: method.summary for name, method in methods.METHODS.items()} == catalogue.METHODS
    found = {name: method.summary for name, method in on_samples.METHODS.items()}
    assert found == catalogue.METHODS_ON_SAMPLES
    assert all(methods.METHODS[name].divides for name in catalogue.SAPTS)


def test_data_sets():
    assert {name: (task.summary, tuple(task.networks)) for name, task in TASKS.items()} == catalogue.DATA_SETS
