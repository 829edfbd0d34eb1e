"""TensorBoard's files, read back by TensorBoard."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from heat import SHORT, heat
from sapts_pinn import solve
from sapts_pinn.callbacks import TensorBoard
from sapts_pinn.errors import InputError
from small_runs import SMALL, At, rod

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def read(folder: Path):
    found = accumulator.EventAccumulator(str(folder), size_guidance={"tensors": 0, "images": 0})
    found.Reload()
    return found


def steps(found, tag: str) -> list[int]:
    return [event.step for event in found.Scalars(tag)]


def test_a_run_can_be_read_back(tmp_path):
    solution = solve(heat(), budget="5 iterations", callbacks=[TensorBoard(tmp_path / "board")], **SHORT)
    found = read(tmp_path / "board")
    losses = found.Scalars("loss")
    assert [event.step for event in losses] == [1, 2, 3, 4, 5]
    assert [e.value for e in losses] == pytest.approx([row["loss"] for row in solution.history], rel=1e-6)
    curves = set(found.Tags()["scalars"])
    assert curves >= {"terms/equation", "step/radius", "step/rho", "step/accepted"}
    (image,) = found.Images("solution")
    assert image.step == 5 and image.width > 300 and image.encoded_image_string[:4] == b"\x89PNG"
    (summary,), (settings,) = (found.Tensors(f"{name}/text_summary") for name in ("summary", "settings"))
    text = summary.tensor_proto.string_val[0].decode()
    assert [line.strip() for line in text.splitlines()] == [s.strip() for s in str(solution).splitlines()]
    assert '"problem": "heat"' in settings.tensor_proto.string_val[0].decode()


def test_the_error_is_a_curve_with_the_estimate_at_the_end(tmp_path):
    settings = {"network": (8, 8), "points": 128, "budget": "30 iterations"}
    solution = solve(rod(reference=lambda x: x * (1 - x) / 2), callbacks=[TensorBoard(tmp_path)], **settings)
    found = read(tmp_path)
    assert found.Scalars("error/relative_l2_error")[-1].value == pytest.approx(
        solution.result["relative_l2_error"], rel=1e-6
    )
    assert solution.error_estimate.reliable
    (estimate,) = found.Scalars("error/error_estimate")
    assert estimate.step == 30 and estimate.value == pytest.approx(solution.error_estimate.relative, rel=1e-6)


def test_a_run_that_goes_on_appends(tmp_path):
    board, out = tmp_path / "board", tmp_path / "run"
    solve(heat(), budget="4 iterations", out=out, callbacks=[TensorBoard(board)], **SHORT)
    solve(heat(), budget="7 iterations", resume=out, callbacks=[TensorBoard(board)], **SHORT)
    found = read(board)
    assert steps(found, "loss") == [*range(1, 8)]
    assert [event.step for event in found.Images("solution")] == [4, 7]


def test_what_was_written_after_the_checkpoint_is_taken_back(tmp_path):
    """A run that was killed goes on from its last checkpoint, which is older than the curves."""
    board, out = tmp_path / "board", tmp_path / "run"
    solve(heat(), budget="4 iterations", out=out, **SHORT)
    solve(heat(), budget="9 iterations", callbacks=[TensorBoard(board)], **SHORT)
    solve(heat(), budget="6 iterations", resume=out, callbacks=[TensorBoard(board)], **SHORT)
    assert steps(read(board), "loss") == [*range(1, 7)]


def test_a_run_followed_from_its_second_session_has_all_of_its_curves(tmp_path):
    board, out = tmp_path / "board", tmp_path / "run"
    solve(heat(), budget="4 iterations", out=out, **SHORT)
    solve(heat(), budget="6 iterations", resume=out, callbacks=[TensorBoard(board)], **SHORT)
    assert steps(read(board), "loss") == [*range(1, 7)]


def test_a_new_run_takes_the_place_of_another(tmp_path):
    for count in (5, 3):
        solve(rod(), budget=f"{count} iterations", callbacks=[TensorBoard(tmp_path)], **SMALL)
    assert steps(read(tmp_path), "loss") == [1, 2, 3]


def test_windows_have_a_folder_each(tmp_path):
    solve(heat(), windows=2, budget="6 iterations", callbacks=[TensorBoard(tmp_path)], **SHORT)
    assert steps(read(tmp_path), "loss") == [1, 2, 3] == steps(read(tmp_path / "run2"), "loss")


def test_a_run_that_fails_leaves_its_curves(tmp_path):
    with pytest.raises(ZeroDivisionError):
        solve(
            rod(),
            budget="9 iterations",
            callbacks=[TensorBoard(tmp_path), At(3, ZeroDivisionError())],
            **SMALL,
        )
    assert steps(read(tmp_path), "loss") == [1, 2, 3]


def test_a_file_in_the_way_is_told_at_once(tmp_path):
    (tmp_path / "board").write_text("")
    with pytest.raises(InputError, match=r"TensorBoard needs a folder, and .*board is a file"):
        TensorBoard(tmp_path / "board")


def test_without_the_package_it_is_refused_before_anything_begins(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("sapts_pinn.callbacks.tracking.find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"TensorBoard needs the package tensorboard: pip install 'sapts-pinn\[track\]'"
    ):
        TensorBoard(tmp_path / "board")
    assert not (tmp_path / "board").exists()
