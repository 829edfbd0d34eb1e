"""The model in a file is the function of the points in the user's units, and needs no source."""

import json
import logging
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from asked_solutions import MODELS, model_of, points_of, solution
from sapts_pinn import Dirichlet, Problem
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.results import model_files
from sapts_pinn.results.model_files import WRITERS, program_of
from sapts_pinn.viz.export import OF_THE_MODEL


def predicted(asked, points):
    found = asked.predict(points, extrapolate=True)
    return torch.stack([*found.values()] if isinstance(found, dict) else [found], 1)


def traced(model, points):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch prefers torch.export, and sees checks of shapes
        return torch.jit.trace(model, points, check_trace=False)


RECORDED = [name for name in MODELS if name != "freed"]
FAST = ("velocity", "windows")  # PyTorch takes seconds to record a program


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in FAST)) for n in RECORDED]
)
def test_the_recorded_program_is_predict_for_any_number_of_points(name):
    asked = solution(name)
    program = program_of(asked.model).module()
    for count in (1, 2, 9, 9_000):
        points = points_of(asked.model, count, seed=count)
        expected = predicted(asked, points)
        scale = float(expected.abs().max())
        found = program(points).double()
        torch.testing.assert_close(
            found, expected, rtol=0, atol=(1e-6 if "single" in name else 1e-12) * scale
        )


@pytest.mark.parametrize("name", ["symmetric", "windows", "system"])
def test_a_traced_model_is_predict_for_any_number_of_points(name):
    asked = solution(name)
    recorded = traced(asked.model, points_of(asked.model, 4))
    for count in (1, 9):
        points = points_of(asked.model, count, seed=count)
        expected = predicted(asked, points)
        scale = float(expected.abs().max())
        torch.testing.assert_close(recorded(points).detach(), expected, rtol=0, atol=1e-12 * scale)


def test_what_a_trace_would_get_wrong_is_refused():
    asked = solution("velocity")
    points = points_of(asked.model, 4)
    with pytest.raises(InputError, match=r"one number of points only; use torch.export"):
        traced(asked.model, points)


@pytest.mark.slow
def test_another_process_runs_the_program_without_this_package(tmp_path):
    asked = solution("windows")
    asked.export(tmp_path / "u.pt2")
    points = points_of(asked.model, 5)
    torch.save(points, tmp_path / "points.pt")
    code = (
        "import sys, torch; about = {'about.json': ''}\n"
        "u = torch.export.load('u.pt2', extra_files=about).module()\n"
        "print(u(torch.load('points.pt')).flatten().tolist()); print(about['about.json'])\n"
        "assert not any(name.startswith('sapts_pinn') for name in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    values, about = map(json.loads, run.stdout.splitlines())
    assert np.allclose(values, asked.predict(points), rtol=0, atol=1e-12)
    assert about["coordinates"] == "x, t" and about["unknowns"] == "u"


@pytest.mark.slow
def test_a_model_freed_from_a_symmetry_beside_a_velocity_is_refused():
    model = MODELS["freed"]()
    with pytest.raises(InputError, match=r"PyTorch cannot record this solution .*save\(folder\)"):
        program_of(model)


def test_a_logger_is_quiet_for_a_while(caplog):
    logger = logging.getLogger("torch.onnx.some.part")
    with caplog.at_level("WARNING"):
        with model_files._quiet(logging.getLogger("torch.onnx")):
            logger.warning("torchvision is not installed")
        assert caplog.text == ""
        logger.warning("afterwards")
    assert "afterwards" in caplog.text


@pytest.mark.slow
def test_an_onnx_runtime_computes_the_same(tmp_path):
    pytest.importorskip("onnxscript", reason="onnxscript is not installed; it is in the extra export")
    onnx = pytest.importorskip("onnx.reference", reason="onnx is not installed; it is in the extra export")
    asked = solution("windows")
    path = asked.export(tmp_path / "u.onnx")
    points = points_of(asked.model, 11).numpy()
    (found,) = onnx.ReferenceEvaluator(str(path)).run(None, {"points": points})
    assert np.allclose(found[:, 0], asked.predict(points), rtol=0, atol=1e-12)
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    (found,) = runtime.InferenceSession(str(path)).run(None, {"points": points[:3]})
    assert np.allclose(found[:, 0], asked.predict(points[:3]), rtol=0, atol=1e-12)


def test_safetensors_hold_the_weights_and_say_whose(tmp_path):
    safetensors = pytest.importorskip("safetensors", reason="safetensors is not installed")
    from safetensors.torch import load_file

    asked, fresh = solution("freed"), MODELS["freed"]()
    path = asked.export(tmp_path / "u.safetensors")
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.zero_()
    fresh.load_state_dict(load_file(path))
    points = points_of(fresh, 5)
    assert torch.equal(fresh(points), asked.model(points))
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata()["coordinates"] == "x, t"


def test_functions_that_cannot_be_recorded_are_refused(tmp_path):
    def by_number(x):
        return x * (1.0 if len(x) == 7 else 2.0)

    asked = solution("symmetric")
    asked.model = model_of(
        Problem(Interval(0, 1), "u", lambda u: u.xx, [Dirichlet("u", by_number, hard=True)])
    )
    with pytest.raises(InputError, match=r"cannot record this solution|is off by .* at other points"):
        asked.export(tmp_path / "u.pt2")
    assert not [*tmp_path.iterdir()]


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    def missing(*_):
        raise ImportError("No module named 'onnx'")

    monkeypatch.setitem(model_files.WRITERS, ".onnx", missing)
    with pytest.raises(InputError, match=r"No module named 'onnx'.*sapts-pinn\[export\]"):
        solution("symmetric").export(tmp_path / "u.onnx")


def test_the_message_about_formats_names_those_of_the_model():
    assert set(OF_THE_MODEL) == set(WRITERS)
