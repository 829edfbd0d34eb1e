"""Citations: those of what a run used, and nothing that the package does not name as a source itself."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from asked_solutions import MODELS, model_of
from sapts_pinn import Dirichlet, Problem, __version__
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.embeddings import FourierFeatures
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.modified_mlp import ModifiedMLP
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.problems import build
from sapts_pinn.results import citations as module
from sapts_pinn.results.citations import AUTHORS, METHOD_PAPERS, Used, citations

ROOT = Path(__file__).resolve().parents[2]
RUN = {"parameters": 500, "iterations": 20}


def plain():
    """A problem whose conditions hold exactly."""
    return Problem(Interval(0, 1), "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0)])


def numbers(method="tr", model=None, problem=None, **config):
    model = model_of(plain()) if model is None else model
    result = {**RUN, "method": method, "iterations": config.pop("iterations", 20)}
    text = citations(Used(problem or model.problem, model, {"method": method, **config}, result))
    assert text.count("{") == text.count("}") and text.count("\n@") + 1 == text.count("@")
    assert text.startswith("@software{sapts_pinn,") and f"version = {{{__version__}}}" in text
    keys = re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)
    assert len(set(keys)) == len(keys)
    return set(re.findall(r"eprint = \{([\d.]+)\}", text)), text


@pytest.mark.parametrize(
    ("method", "config", "found"),
    [
        ("tr", {}, {"2405.04230"}),
        ("auto", {}, {"2405.04230"}),
        ("tr", {"options": {"curvature": "lbfgs"}}, set()),
        ("tr-lbfgs", {}, set()),
        ("tr-gauss-newton", {}, {"2302.13163", "2505.12149", "2607.02194"}),
        ("sapts-d", {}, {"2312.13677", "2502.05133"}),
        ("thesis-sapts-p", {}, {"2312.13677", "2502.05133"}),
        ("adam", {}, {"1412.6980"}),
        ("adam-lbfgs", {}, {"1412.6980"}),
        ("lbfgs", {}, set()),
        ("tr-lbfgs", {"adaptive": 0.5, "resample": 10}, {"2207.10289"}),
        ("tr-lbfgs", {"adaptive": 0.5, "iterations": 600}, {"2207.10289"}),
        ("tr-lbfgs", {"adaptive": 0.5}, set()),
        ("tr-lbfgs", {"adaptive": 0.0, "resample": 10}, set()),
    ],
)
def test_methods(method, config, found):
    papers, text = numbers(method, **config)
    assert papers == found
    assert ("12658/srd1335040" in text) == ("sapts" in method), "the thesis"
    assert ("Trust-Region Methods" in text) == (
        not method.endswith(("adam", "lbfgs")) or method == "tr-lbfgs"
    )


def test_every_method_is_known():
    for method in METHODS:
        numbers(method)


def test_windows_corners_networks_conditions():
    assert numbers("lbfgs", MODELS["windows"]())[0] == {"2007.04542", "2302.14227"}
    assert numbers("lbfgs", MODELS["corner"]())[0] == {"2308.16429", "2007.14527"}
    problem = plain()
    inputs = len(problem.ansatz.feature_names)
    assert numbers("lbfgs", Model(problem, ModifiedMLP((inputs, 5, 1))))[0] == {"2001.04536"}
    fourier = nn.Sequential(FourierFeatures(inputs, 3, 1.0, torch.Generator()), nn.Linear(6, 1)).double()
    assert numbers("lbfgs", Model(problem, fourier))[0] == {"2006.10739"}
    soft = Problem(Interval(0, 1), "u", lambda u: u.xx, [Dirichlet("u", 1.0, hard=False)])
    assert numbers("lbfgs", model_of(soft))[0] == {"2007.14527"}
    fixed = Problem(Interval(0, 1), "u", lambda u: u.xx, [Dirichlet("u", 1.0, hard=False, weight=1.0)])
    assert numbers("lbfgs", model_of(fixed))[0] == set()


def test_an_interface_is_cited():
    result = {**RUN, "method": "lbfgs"}
    assert not Used(plain(), nn.Identity(), {}, result).interfaces()
    assert Used(build("poisson-interface"), nn.Identity(), {}, result).interfaces()


def test_nothing_is_cited_that_is_no_source_of_the_package():
    files = [p for room in ("sapts_pinn", "problems") for p in (ROOT / room).rglob("*.py")]
    text = "\n".join(p.read_text() for p in files if p.name != "citations.py")
    text += (ROOT / "CITATION.cff").read_text()
    assert {number for _, numbers in METHOD_PAPERS for number in numbers} == set(AUTHORS)
    for number, authors in AUTHORS.items():
        assert number in text
        names = re.findall(r"[A-Z][a-z]+", authors)
        around = [text[m.start() - 160 : m.start()] for m in re.finditer(re.escape(number), text)]
        assert not names or any(all(name in place for name in names) for place in around), number
    assert "srd1335040" in text and "Trust-Region Methods (2000)" in text
    assert re.search(r'^title: "(.*)"$', text, re.MULTILINE)[1] in module.SOFTWARE
