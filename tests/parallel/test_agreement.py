"""Comparison of the ranks at the start, and the fingerprint of the code."""

import pytest
import torch

from sapts_pinn.parallel import agreement
from sapts_pinn.parallel.agreement import check_same, code_fingerprint
from sapts_pinn.parallel.communicator import SingleProcess


class Answers(SingleProcess):
    """A rank among others whose objects are known."""

    def __init__(self, *changes):
        super().__init__()
        self.changes, self.size = changes, 1 + len(changes)

    def gather_objects(self, value):
        return [value, *({k: v for k, v in (value | change).items() if v} for change in self.changes)]


def test_ranks_that_differ_are_named():
    items = {"code": "f00", "problem": "burgers", "configuration": {"b": 1, "a": [torch.float64]}}
    check_same(SingleProcess(), **items)
    check_same(Answers({}, {}), **items)
    with pytest.raises(ValueError, match=r"^the problem of rank 2 differs from that of rank 0; start"):
        check_same(Answers({}, {"problem": "x"}), **items)
    with pytest.raises(
        ValueError, match=r"^the code of rank 1 and the configuration of ranks 1, 3 differs from"
    ):
        check_same(Answers({"code": "x", "configuration": "y"}, {}, {"configuration": None}), **items)
    with pytest.raises(ValueError, match=r"^the seed of rank 1 differs"):
        check_same(Answers({"seed": "only there"}), **items)


def test_the_order_of_a_configuration_does_not_matter():
    marks = []

    class Keeps(SingleProcess):
        def gather_objects(self, value):
            marks.append(value)
            return [value]

    check_same(Keeps(), configuration={"a": 1, "b": 2})
    check_same(Keeps(), configuration={"b": 2, "a": 1})
    check_same(Keeps(), configuration={"a": 1, "b": 3})
    assert marks[0] == marks[1] != marks[2]


def test_the_fingerprint_follows_the_sources(tmp_path, monkeypatch):
    assert code_fingerprint() == code_fingerprint()
    package, linked = tmp_path / "package", tmp_path / "elsewhere"
    (package / "parallel").mkdir(parents=True)
    linked.mkdir()
    (package / "parallel" / "agreement.py").write_text("a")
    (package / "kernel.c").write_text("b")
    (package / "notes.txt").write_text("c")
    (linked / "problem.py").write_text("d")
    (package / "problems").symlink_to(linked)
    monkeypatch.setattr(agreement, "__file__", str(package / "parallel" / "agreement.py"))
    seen = [code_fingerprint()]
    (package / "notes.txt").write_text("anything")
    assert code_fingerprint() == seen[0]
    for file in (package / "parallel" / "agreement.py", package / "kernel.c", linked / "problem.py"):
        file.write_text("new")
        seen.append(code_fingerprint())
    (package / "kernel.c").rename(package / "other.c")
    seen.append(code_fingerprint())
    assert len(set(seen)) == len(seen)
