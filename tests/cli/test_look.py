"""`sapts-pinn list` and `show`."""

import re

from command_line import FILES, QUICK, command
from sapts_pinn.problems.zoo import ZOO


def test_show_draws_again_also_what_was_killed(tmp_path, capsys):
    folder = tmp_path / "run"
    command(capsys, "solve", "poisson-1d", "--budget", "3 iterations", "--out", folder, "--quiet", *QUICK)
    for name in ("solution.png", "solution.vtu", "report.html"):
        (folder / name).unlink()
    status, out, _ = command(capsys, "show", folder)
    assert (
        status == 0 and "budget spent (3 iterations)" in out and {p.name for p in folder.iterdir()} == FILES
    )
    (folder / "result.json").unlink()  # a run that was killed has none
    status, out, err = command(capsys, "show", folder)
    assert status == 0 and "unfinished" in out and not err
    assert (folder / "report.html").is_file()


def test_list_names_every_problem_and_method(capsys):
    from sapts_pinn.optim.methods import METHODS
    from sapts_pinn.supervised.methods import METHODS as ON_SAMPLES
    from sapts_pinn.supervised.tasks import TASKS

    status, out, _ = command(capsys, "list")
    assert status == 0
    problems, samples = out.split("Data sets, to `train` on\n")
    for text, names in ((problems, [*ZOO, *METHODS]), (samples, [*TASKS, *ON_SAMPLES])):
        for name in names:
            assert re.search(rf"^  {re.escape(name)}  +\S", text, flags=re.MULTILINE), name
    for name, task in TASKS.items():
        assert re.search(rf"^  {name} .*: {', '.join(task.networks)}$", samples, flags=re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 110
