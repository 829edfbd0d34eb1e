"""Results that an interrupted session goes on with."""

import pytest

from sapts_pinn.bench.harness import journal


def test_a_journal_goes_on_after_whatever_ended_it(tmp_path, capsys):
    path, cells = tmp_path / "runs.jsonl", [{"n": n} for n in range(3)]
    calls, published = [], []

    def measure(n, stop=1):
        calls.append(n)
        if n == stop:
            raise KeyboardInterrupt
        return {"square": n * n}

    with pytest.raises(KeyboardInterrupt, match="goes on from here"):
        journal.Journal(path, {"budget": 1}).complete(cells, measure, published.append)
    path.write_text(path.read_text() + '\n{"settings": {"bud')  # killed while writing
    journal.Journal(path, {"budget": 1}).complete(cells, lambda n: measure(n, stop=9), published.append)
    assert calls == [0, 1, 1, 2]
    assert [[row["square"] for row in rows] for rows in published] == [[0], [0, 1, 4]]
    journal.Journal(path, {"budget": 2}).complete(cells[:1], lambda n: measure(n, stop=9), published.append)
    assert calls[-1] == 0
    capsys.readouterr()
