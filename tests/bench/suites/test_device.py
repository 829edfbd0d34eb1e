"""The suite `device`, with the stand-in for a GPU."""

import math
from dataclasses import replace
from functools import cache

import pytest

from benched import in_this_process, run_suite
from elsewhere import DEVICE, Elsewhere
from sapts_pinn import problems
from sapts_pinn.bench import main
from sapts_pinn.bench.suites import device

SMALL = ["--problems", "poisson-1d", "--networks", "1x4,2x4", "--sizes", "64,32", "--seconds", "0.3"]


class Here:
    """A child that is this process."""

    def __init__(self, **_: object) -> None:
        pass

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, function, **arguments):
        return in_this_process(function, **arguments)


@pytest.fixture
def quick(here, monkeypatch):
    monkeypatch.setattr(device, "Child", Here)
    monkeypatch.setattr(device, "SAMPLE", 0.0)
    monkeypatch.setattr(device, "PATIENCE", math.inf)
    build, small = problems.build, {"points": 48, "network": (4,)}
    monkeypatch.setattr(problems, "build", cache(lambda name: replace(build(name), options=small)))


def test_a_device_against_the_processor(tmp_path, capsys, quick):
    with Elsewhere():
        asked = [*SMALL, "--device", DEVICE, "--threads", "2", "--precisions", "float64"]
        found, out = run_suite("device", asked, tmp_path, capsys)
    usual = [row for row in found["rows"] if row["table"] == "defaults"]
    grown = [row for row in found["rows"] if row["table"] == "growing"]
    ways = ["1 thread", "2 threads", DEVICE]
    assert [row["way"] for row in usual] == ways and [row["compiled"] for row in usual] == [True, True, False]
    assert all(row["relative_l2_error"] > 0 and row["points"] == 48 for row in usual)
    assert [row["points"] for row in grown] == [32] * 3 + [64] * 3 + [32] * 3 + [64] * 3
    assert all(row["gradient_ms"] > 0 and row["step_ms"] > 0 for row in grown)
    assert set(found["pays"]) == {"1x4, float64", "2x4, float64"} and found["settings"]["device"] == DEVICE
    assert "error after 0.3 s" in out and (tmp_path / "device.md").is_file()


def test_the_processor_alone(tmp_path, capsys, quick, monkeypatch):
    monkeypatch.setattr(device, "PATIENCE", 0.0)  # the first size is the last, and takes no steps
    asked = ["--quick", "--problems", "burgers", "--seconds", "0.1", "--sizes", "32,64", "--networks", "1x4"]
    monkeypatch.setattr(device, "_usual", lambda *_: iter([]))
    found, _ = run_suite("device", [*asked, "--device", "cpu", "--threads", "1"], tmp_path, capsys)
    assert [row["points"] for row in found["rows"]] == [32, 32] and found["pays"] == {}
    assert {row["step_ms"] for row in found["rows"]} == {None}


def test_where_it_pays():
    ways = device._ways("cuda", 4)
    assert [way.label for way in ways] == ["1 thread", "4 threads", "cuda"]

    def rows(network, **steps):
        sizes = (10, 20, 40)
        cells = [(way, n, ms) for way, own in steps.items() for n, ms in zip(sizes, own, strict=False)]
        names = {"one": "1 thread", "all": "4 threads", "card": "cuda"}
        return [
            {"network": network, "precision": "float64", "way": names[w], "points": n, "step_ms": ms}
            for w, n, ms in cells
        ]

    found = device._pays(
        [
            *rows("1x4", one=(1, 2, 4), all=(1, 1, 2), card=(3, 0.9, 1)),
            *rows("2x4", one=(1, 2, 4), all=(1, 1, 2), card=(0.5, 3, 3)),
            *rows("3x4", one=(9,), all=(5, None), card=(6, 7, 8)),
        ],
        ways,
    )
    assert found == {
        "1x4, float64": "cuda pays from 20 points on",
        "2x4, float64": "cuda pays not up to the largest size",
        "3x4, float64": "cuda pays from 20 points on",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--networks", "30"], "a network is given by layers x width, such as 3x30, not '30'"),
        (["--networks", "0x30"], "not '0x30'"),
        (["--device", "warp"], "--device warp is not available here; give cpu"),
        (["--precisions", "double"], "must be float32 or float64, not 'double'"),
        (["--problems", "hot"], "there is no problem 'hot'"),
        (["--sizes", "0"], "--sizes must be at least 1, not 0"),
        (["--seconds", "-1"], "--seconds must be at least 0.01, not -1"),
    ],
)
def test_wrong_input(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["device", *arguments, *([] if "--device" in arguments else ["--device", "cpu"])]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
