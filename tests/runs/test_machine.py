"""The machine of a run."""

import platform

from sapts_pinn.runs import machine as room
from sapts_pinn.runs.machine import machine


def test_a_machine_is_told_by_its_parts_and_not_by_its_name(monkeypatch, tmp_path):
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Fast CPU @ 3 GHz\n")
    monkeypatch.setattr(room, "CPU_INFO", tmp_path / "cpuinfo")
    found = machine()
    assert found["processor"] == "Fast CPU @ 3 GHz" and int(found["cores"]) >= 1
    assert platform.node() not in found.values()
    monkeypatch.setattr(room, "CPU_INFO", tmp_path / "missing")
    assert machine()["processor"]
