"""`sapts-pinn show`."""

from command_line import FILES, QUICK, command


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
