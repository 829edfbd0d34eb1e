"""Models and solutions in pickles: with their functions, whole, and copied as before."""

import copy
import pickle
import subprocess
import sys
import threading

import pytest
import torch

from asked_solutions import MODELS, model_of, points_of, solution
from sapts_pinn import Dirichlet, Problem
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.networks import by_value


@pytest.mark.parametrize("name", MODELS)
def test_a_model_survives_a_pickle(name):
    model = MODELS[name]()
    points = points_of(model, 7)
    restored = pickle.loads(pickle.dumps(model))
    assert type(restored) is type(model) and torch.equal(restored(points), model(points))
    assert torch.equal(copy.deepcopy(model)(points), model(points))
    assert [*restored.state_dict()] == [*model.state_dict()]


def test_what_a_model_shares_stays_shared():
    restored = pickle.loads(pickle.dumps(MODELS["freed"]()))
    points = points_of(restored, 3)
    before = restored(points)
    with torch.no_grad():
        for parameter in restored.frozen.parameters():
            parameter.add_(1.0)
    assert not torch.allclose(restored(points), before), "the known part reads the frozen network"


def test_a_copy_has_parameters_of_its_own():
    model = MODELS["windows"]()
    copied = copy.deepcopy(model)
    points = points_of(model, 3)
    before = model(points).clone()
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.add_(1.0)
    assert torch.equal(model(points), before) and not torch.equal(copied(points), before)


def test_another_process_needs_no_source(tmp_path):
    asked = solution("kink")
    points = points_of(asked.model, 5)
    (tmp_path / "solution.pkl").write_bytes(pickle.dumps(asked))
    torch.save(asked.model, tmp_path / "model.pt")
    torch.save((points, asked.predict(points)), tmp_path / "values.pt")
    code = (
        "import pickle, torch; points, values = torch.load('values.pt')\n"
        "solution = pickle.load(open('solution.pkl', 'rb'))\n"
        "assert torch.equal(solution.predict(points), values)\n"
        "model = torch.load('model.pt', weights_only=False)\n"
        "assert torch.equal(model(points)[:, 0].detach(), values)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_other_versions_and_what_cannot_be_pickled_are_refused(monkeypatch):
    blob = pickle.dumps(MODELS["symmetric"]())
    monkeypatch.setattr(by_value, "_versions", lambda: "Python 4.0 and sapts-pinn 9")
    with pytest.raises(
        InputError, match=r"pickled under Python 3.*, and this is Python 4.0 and sapts-pinn 9"
    ):
        pickle.loads(blob)
    lock = threading.Lock()

    def locked(x):
        with lock:
            return x

    model = model_of(Problem(Interval(0, 1), "u", lambda u: u.xx, [Dirichlet("u", locked)]))
    with pytest.raises(InputError, match=r"cannot be pickled .*lock.*solution.pt2"):
        pickle.dumps(model)
