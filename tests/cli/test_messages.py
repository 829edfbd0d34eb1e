"""Messages on standard error."""

import io
import logging
import sys
import warnings
from pathlib import Path

import pytest

from command_line import ranks
from sapts_pinn.cli import messages


@pytest.mark.slow
def test_an_error_of_all_ranks_is_said_once(tmp_path):
    process = ranks(2, "poisson-1d", "--method", "sapts-d", "--parts", "3", cwd=tmp_path)
    out, err = process.communicate(timeout=60)
    assert out == "" and err.count("error: parts must be a positive multiple") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("source", "file"),
    [("a.py", True), ("a.py:u", True), ("a.py:", True), ("heat", False), ("a.pyc", False)],
)
def test_a_file_is_told_from_a_name(source, file):
    assert messages.is_file(source) is file


def test_a_line_is_said_on_one_line_and_a_closed_stream_ends_nothing(capsys, monkeypatch):
    messages.say("two\n  lines")
    assert capsys.readouterr().err == "two lines\n"
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    messages.say("lost")


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        raise OSError("no space left")


def test_a_stream_that_cannot_be_written_is_dropped_and_its_first_error_kept():
    stream = messages.Tolerant(Full())
    assert stream.write("abc") == 3 and str(stream.error) == "no space left"
    first = stream.error
    stream.write("more")
    stream.flush()
    assert stream.error is first
    whole = io.StringIO()
    assert messages.Tolerant(whole).write("abc") == 3 and whole.getvalue() == "abc"


def test_a_fault_of_an_output_is_said_at_the_end(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Full())
    with messages.tolerant_outputs():
        print("lost")
    assert capsys.readouterr().err == (
        "note: standard output could not be written (no space left); the run itself went on\n"
    )


@pytest.mark.parametrize("quiet", [False, True])
def test_warnings_of_users_are_notes_each_once(capsys, quiet):
    log = logging.getLogger("sapts_pinn.somewhere")
    with messages.notes(quiet):
        for _ in range(2):
            warnings.warn("so it is", UserWarning, stacklevel=1)
        warnings.warn("of developers", DeprecationWarning, stacklevel=1)
        log.warning("logged %s", "too")
        log.info("not this")
    said = capsys.readouterr().err
    assert said == ("" if quiet else "note: so it is\nnote: logged too\n")
    assert logging.getLogger("sapts_pinn").propagate


def test_how_to_go_on_in_one_process_and_on_ranks(monkeypatch):
    for name in ("WORLD_SIZE", "GROUP_WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    assert messages.resume_command(Path("my run")) == "sapts-pinn solve --resume 'my run'"
    assert messages.resume_command(Path("r"), "train", "heat") == "sapts-pinn train --resume r"
    assert messages.resume_command(Path("r"), source="a b.py:u") == "sapts-pinn solve 'a b.py:u' --resume r"
    assert not messages.several() and messages.rank() == 0
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    assert messages.several() and messages.rank() == 3
    torchrun = "torchrun --nproc-per-node 4 -m sapts_pinn solve --resume r"
    assert messages.resume_command(Path("r")) == torchrun
    monkeypatch.setenv("GROUP_WORLD_SIZE", "2")
    torchrun = "torchrun --nnodes 2 --nproc-per-node 2 -m sapts_pinn solve --resume r"
    assert messages.resume_command(Path("r")) == torchrun
