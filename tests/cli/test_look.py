"""`sapts-pinn show`."""

import webbrowser

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


def test_show_compares_several_runs_and_opens_the_page(tmp_path, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    for name in ("a", "b"):
        command(
            capsys,
            "solve",
            "poisson-1d",
            "--budget",
            "2 iterations",
            "--out",
            tmp_path / name,
            "--quiet",
            *QUICK,
        )
    status, out, _ = command(capsys, "show", tmp_path / "a", tmp_path / "b", "--open")
    page = tmp_path / "comparison.html"
    assert status == 0 and out.splitlines()[-1] == f"comparison: {page}" and opened == [page.as_uri()]
    assert "./a/report.html" in page.read_text()
    status, _, err = command(capsys, "show", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "a.txt")
    assert status == 2 and "give --out a name that ends in .html" in err
    assert command(capsys, "show", tmp_path / "a", "--open")[0] == 0
    assert opened[1:] == [(tmp_path / "a" / "report.html").as_uri()]
    status, _, err = command(capsys, "show")
    assert status == 2 and "give a run folder" in err


def test_show_draws_how_a_run_went(tmp_path, capsys):
    folder, pictures = tmp_path / "run", tmp_path / "how"
    budget = ("--budget", "8 iterations", "--method", "sapts-d")
    command(capsys, "solve", "poisson-1d", *budget, "--out", folder, "--quiet", *QUICK)
    status, _, err = command(capsys, "show", folder, "--training", pictures)
    assert status == 0 and not err
    drawn = {"convergence", "sweeps", "gains-of-the-parts", "collocation-points"}
    assert drawn <= {path.stem for path in pictures.iterdir()}
    assert all(path.stat().st_size > 5_000 for path in pictures.iterdir())
    status, _, err = command(capsys, "show", folder, folder, "--training", pictures)
    assert status == 2 and "name one folder" in err
