"""`sapts-pinn train` as a user meets it: outputs, exit status, run folder, and what else takes that."""

from __future__ import annotations

import json
import math
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sapts_pinn import Solution, cli
from sapts_pinn.callbacks import Progress
from sapts_pinn.cli import runs
from sapts_pinn.runs.checkpoint import load_checkpoint
from sapts_pinn.supervised import pictures, trained
from sapts_pinn.supervised.trained import Trained
from sapts_pinn.training.trainer import Trainer

ALWAYS = {"config.json", "history.csv", "result.json", "checkpoint.pt", "report.html", "curves.png"}
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """A command in this process: exit status, standard output, standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        threads = torch.get_num_threads()
        try:
            status = cli.main([str(a) for a in arguments])
        finally:
            torch.set_num_threads(threads)
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn, which takes longer than the runs."""
    monkeypatch.setattr(runs, "draw", lambda steps: None)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def result(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "result.json").read_text()))


# -- train -----------------------------------------------------------------------------------------------


def test_pictures(
    small_data: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = small_data / "mnist"
    options = ["--option", "lr=0.002", "--option", "batch=40"]
    status, out, err = command(
        "train", "mnist", "--method", "adam", "--budget", "30 iterations", "--data", data, *options
    )
    folder = tmp_path / "runs" / "mnist-adam-seed0"
    assert status == 0 and names(folder) == ALWAYS | {"confusion.png", "mistakes.png"}
    found = result(folder)
    assert found["test_accuracy"] == 1 - found["test_error_rate"] > 0.8
    assert found["gradient_evaluations"] == pytest.approx(10) and found["samples"] == 120
    assert out.startswith("mnist by adam: budget spent (30 iterations)")
    assert f"test accuracy      {found['test_accuracy']:.2%}" in out
    assert out.splitlines()[-1].endswith("runs/mnist-adam-seed0")
    assert "step 30" in err and "test error rate" in err and "10 gradients" in err
    config = json.loads((folder / "config.json").read_text())
    assert config["data"] == str(data) and config["options"] == {"lr": 0.002, "batch": 40}
    page = (folder / "report.html").read_text()
    assert "mnist by adam" in page and page.count("data:image/png") == 3 and "relative L2" not in page
    monkeypatch.setattr(runs, "draw", lambda steps: None)
    command("train", "mnist", "--budget", "1 iteration", "--data", data, "--method", "adam", "--quiet")
    assert (tmp_path / "runs" / "mnist-adam-seed0-2").is_dir()


def test_a_text(small_data: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "SAMPLE", 60)
    folder = tmp_path / "run"
    arguments = ["train", "tinyshakespeare", "--method", "adam", "--budget", "3 iterations", "--json"]
    status, out, err = command(*arguments, "--data", small_data / "tinyshakespeare", "--out", folder)
    assert status == 0 and out == (folder / "result.json").read_text()
    assert "test nats per character" in err
    found = result(folder)
    assert found["test_bits_per_character"] == pytest.approx(found["test_nats_per_character"] / math.log(2))
    assert names(folder) == ALWAYS | {"sample.txt"}
    text = (folder / "sample.txt").read_text()
    assert len(text) == 62 and text[0] == "\n" and text[1:40] in (folder / "report.html").read_text()


def test_what_diverges_has_failed(small_data: Path, tmp_path: Path, command: Command) -> None:
    rate = ["--method", "sgd", "--option", "lr=1e30"]
    status, _, err = command(
        "train", "mnist", "--data", small_data / "mnist", *rate, "--out", tmp_path / "run", "--quiet"
    )
    assert status == 1
    assert re.search(r"failed: the loss is (nan|inf) after \d steps; give a smaller learning rate", err)
    assert result(tmp_path / "run")["status"].startswith("failed")


@pytest.fixture
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets a SIGINT come after so many steps."""

    def at(iteration: int) -> None:
        def on_step(self: Progress, trainer: Trainer) -> None:
            if trainer.iteration == iteration:
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(Progress, "on_step", on_step)

    return at


def test_a_signal_ends_the_run_in_order_and_resume_continues_it(
    small_data: Path, tmp_path: Path, command: Command, unseen: None, ctrl_c: Callable[[int], None]
) -> None:
    folder = tmp_path / "a run"
    ctrl_c(2)
    arguments = ["train", "cifar10", "--budget", "10h", "--seed", "3", "--threads", "1", "--method", "sgd"]
    status, out, err = command(*arguments, "--out", folder, "--data", small_data / "cifar10")
    assert status == 1 and "cifar10 by sgd: interrupted by SIGINT" in out
    assert f"continue with: sapts-pinn train --resume '{folder}'" in err
    assert result(folder)["iterations"] == 2
    status, out, err = command("train", "--resume", folder, "--budget", "4 iterations", "--quiet")
    assert (status, out, err) == (0, "", "")
    found = result(folder)
    assert (found["iterations"], found["seed"], found["threads"], found["method"]) == (4, 3, 1, "sgd")


@pytest.mark.parametrize(
    "method", [["tr"], ["sgd", "--option", "batch=32"], ["sapts-d", "--parts", "2", "--option", "steps=2"]]
)
def test_an_interrupted_run_that_goes_on_equals_one_in_one_piece(
    small_data: Path,
    tmp_path: Path,
    command: Command,
    unseen: None,
    ctrl_c: Callable[[int], None],
    method: list[str],
) -> None:
    run = ["train", "mnist", "--budget", "5 iterations", "--data", small_data / "mnist", "--dtype", "float64"]
    assert command(*run, "--method", *method, "--out", tmp_path / "whole")[0] == 0
    ctrl_c(3)
    assert command(*run, "--method", *method, "--out", tmp_path / "half")[0] == 1
    status, _, err = command("train", "--resume", tmp_path / "half")
    assert status == 0, err
    a, b = (Trained.load(tmp_path / name) for name in ("whole", "half"))
    assert a.result["parts"] == b.result["parts"] == (2 if "--parts" in method else 1)
    for one, other in zip(a.network.parameters(), b.network.parameters(), strict=True):
        assert torch.equal(one, other)
    seen = [[(r["iteration"], r["loss"]) for r in x.history] for x in (a, b)]
    assert seen[0] == seen[1] and len(seen[0]) == 5


def test_a_picture_that_fails_costs_no_run(
    small_data: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Path:
        raise RuntimeError("no ink")

    monkeypatch.setattr(pictures, "plot_confusion", broken)
    arguments = [
        "train",
        "mnist",
        "--method",
        "sgd",
        "--budget",
        "1 iteration",
        "--data",
        small_data / "mnist",
    ]
    status, _, err = command(*arguments, "--out", tmp_path / "run")
    assert status == 0 and "could not be made (RuntimeError: no ink)" in err
    assert {"result.json", "checkpoint.pt", "report.html", "curves.png"} <= names(tmp_path / "run")


# -- the folder elsewhere --------------------------------------------------------------------------------


def test_show_draws_again_also_what_was_killed_and_what_has_moved(
    small_data: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, data = tmp_path / "run", tmp_path / "data"
    shutil.copytree(small_data / "mnist", data)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "draw", lambda steps: None)
        command("train", "mnist", "--budget", "3 iterations", "--data", data, "--out", folder, "--quiet")
    (folder / "result.json").unlink()
    status, out, err = command("show", folder)
    assert (status, err) == (0, "") and "unfinished" in out and "test accuracy" in out
    assert names(folder) == (ALWAYS | {"confusion.png", "mistakes.png"}) - {"result.json"}
    data.rename(tmp_path / "moved")
    status, _, err = command("show", folder)
    assert status == 2 and "cannot be fetched" in err
    seen: list[int] = []
    monkeypatch.setattr(Trained, "plot", lambda self, out: seen.append(len(self.data.test[0])))
    assert command("show", folder, "--data", tmp_path / "moved")[0] == 0 and seen == [40]


def test_runs_of_solve_and_train_are_told_apart(
    small_data: Path, tmp_path: Path, command: Command, unseen: None
) -> None:
    learned, solved = tmp_path / "learned", tmp_path / "solved"
    quick = ["--network", "4", "--points", "16", "--budget", "1 iteration", "--quiet"]
    data = ["--data", small_data / "mnist"]
    command("train", "mnist", "--budget", "1 iteration", *data, "--out", learned, "--quiet")
    command("solve", "poisson-1d", *quick, "--out", solved)
    for folder, right, wrong in ((learned, "train", "solve"), (solved, "solve", "train")):
        status, _, err = command(wrong, "--resume", folder)
        assert status == 2 and f"holds a run of {right}; continue it with: sapts-pinn {right} --resume" in err
    with pytest.raises(ValueError, match="holds a run of train"):
        Solution.load(learned)
    with pytest.raises(ValueError, match="holds a run of solve"):
        Trained.load(solved)
    (learned / "curves.png").touch()
    command("solve", "poisson-1d", *quick, "--out", learned, "--overwrite")
    assert "curves.png" not in names(learned), "pictures of another run"


# -- wrong commands and input ----------------------------------------------------------------------------

WRONG = {
    "data set": (["mnits"], "no data set 'mnits'; did you mean 'mnist'"),
    "nothing": ([], "give a data set"),
    "method": (["mnist", "--method", "adm"], "no method 'adm' for samples; did you mean 'adam'"),
    "network": (["mnist", "--network", "vgg"], "no network 'vgg' for this; choose one of mlp, cnn"),
    "budget": (["mnist", "--budget", "soon"], "cannot read the budget 'soon'"),
    "dtype": (["mnist", "--dtype", "float16"], "dtype must be float64 or float32"),
    "threads": (["mnist", "--threads", "0"], "--threads must be at least 1"),
    "seed": (["mnist", "--seed", "1.5"], "'1.5' is not a whole number"),
    "parts": (["mnist", "--method", "adam", "--parts", "2"], "method 'adam' has no parts; drop parts=2"),
    "no such option": (["mnist", "--method", "adam", "--option", "lr=1", "--option", "speed=3"],
        "does not take the option 'speed'; drop it"),
    "half an option": (["mnist", "--option", "lr"], "cannot read the option 'lr'; write name=value"),
    "a word for a number": (["mnist", "--option", "radius=far"], "cannot use --option radius=far"),
    "an option out of range": (["mnist", "--method", "adam", "--option", "batch=0"],
        "batch must be at least 1, not 0"),
    "no data and no network": (["tinyshakespeare", "--data", "empty"],
        r"input.txt is not in empty, and cannot be fetched from .* \(no connection\)"),
    "data in a file": (["mnist", "--data", "a_file"], "a_file is a file; give the folder"),
    "truncated data": (["mnist", "--data", "truncated"],
        "train-images-idx3-ubyte.gz is damaged: its SHA-256"),
    "truncated batches": (["cifar10", "--data", "broken"], "data_batch_1.npz is damaged"),
    "a batch missing": (["cifar10", "--data", "five"], "lacks test_batch"),
    "folder of another run": (["mnist", "--out", "run"], "run already holds a run"),
    "output is a file": (["mnist", "--out", "a_file"], "a_file is a file; give a folder"),
    "output below a file": (["mnist", "--out", "a_file/x", "--quiet"],
        "cannot write to a_file/x: Not a directory"),
    "resume nothing": (["--resume", "nowhere"], "there is no folder nowhere"),
    "resume no run": (["--resume", "empty"], "holds no run"),
    "resume damaged": (["--resume", "damaged"], "not a readable checkpoint"),
    "resume spent": (["--resume", "run"], "the budget 1 iterations is already spent"),
    "resume other data": (["cifar10", "--resume", "run"], "holds a run on mnist, not cifar10; drop cifar10"),
    "resume other method": (["--resume", "run", "--method", "sgd"], "its method is 'adam', not 'sgd'"),
    "resume other network": (["--resume", "run", "--network", "cnn"], "its network is 'mlp', not 'cnn'"),
    "overwriting with a wrong option": (["mnist", "--out", "run", "--overwrite", "--method", "thesis-sapts-d",
        "--option", "kind=striped", "--quiet"], "unknown decomposition of the data 'striped'"),
}  # fmt: skip


@pytest.fixture(scope="module")
def place(made_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that can be wrong; the data set mnist in `data`."""
    place = tmp_path_factory.mktemp("wrong")
    for name in ("data", "truncated"):
        shutil.copytree(made_data / "mnist", place / name)
    images = place / "truncated" / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:1000])
    for name in ("broken", "five"):
        shutil.copytree(made_data / "cifar10", place / name)
    batch = place / "broken" / "data_batch_1.npz"
    batch.write_bytes(batch.read_bytes()[:1000])
    (place / "five" / "test_batch.npz").unlink()
    (place / "empty").mkdir()
    (place / "a_file").write_text("x")
    return place


@pytest.fixture
def wrong_place(
    place: Path, small_data: Path, command: Command, unseen: None, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The same with a run in `run`, as the place one works in and gets data from."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("SAPTS_PINN_DATA", str(place / "data"))
    if not (place / "run").exists():
        command("train", "mnist", "--method", "adam", "--budget", "1 iteration", "--out", "run", "--quiet")
        shutil.copytree("run", "damaged")
        checkpoint = place / "damaged" / "checkpoint.pt"
        checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    return place


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_sentence_and_status_2(wrong_place: Path, command: Command, name: str) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in wrong_place.rglob("*") if path.is_file()}

    arguments, message = WRONG[name]
    before = files()
    status, out, err = command("train", *arguments)
    said = [line for line in err.splitlines() if not line.startswith("Downloading data from")]
    assert (status, out, len(said)) == (2, "", 1), err
    assert said[0].startswith("error: ") and re.search(message, said[0])
    assert files() == before, "nothing is lost, nothing half-written"


def test_options_are_numbers_truth_values_or_words(
    small_data: Path, tmp_path: Path, command: Command
) -> None:
    given = ["local_steps=3", "adaptive=False", "kind=random", "radius=0.25", "local_curvature=none"]
    arguments = [word for text in given for word in ("--option", text)]
    status, _, err = command(
        "train", "mnist", "--method", "thesis-sapts-d", "--data", small_data / "mnist",
        "--budget", "1 iteration", "--out", tmp_path / "run", *arguments,
    )  # fmt: skip
    assert status == 0, err
    assert json.loads((tmp_path / "run" / "config.json").read_text())["options"] == {
        "local_steps": 3, "adaptive": False, "kind": "random", "radius": 0.25, "local_curvature": None,
    }  # fmt: skip
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["trainer"]["iteration"] == 1
