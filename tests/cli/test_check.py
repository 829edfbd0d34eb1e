"""The command that checks a problem."""

import json

from sapts_pinn.cli import main

FILE = """
import torch
from sapts_pinn import Dirichlet, Problem
from sapts_pinn.geometry import Interval
print("hello")
rod = Problem(Interval(0, 1), "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0{on})])
"""


def test_command(tmp_path, capsys):
    path = tmp_path / "rod.py"
    path.write_text(FILE.format(on=""))
    assert main(["check", str(path)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("problem: nothing speaks against it") and told.err == "hello\n"
    path.write_text(FILE.format(on=', on="x=0"'))
    assert main(["check", f"{path}:rod", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False and report["findings"][0]["topic"] == "conditions"
    path.write_text(FILE.format(on=', on="left"'))
    assert main(["check", str(path)]) == 2
    assert "no face 'left'" in capsys.readouterr().err
    assert main(["check", "heat"]) == 0
