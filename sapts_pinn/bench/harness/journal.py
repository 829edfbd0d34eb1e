"""Results of a suite in a file that an interrupted session can go on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .report import Row, say


class Journal:
    """Results in a file of JSON lines, one appended for every cell as soon as it is measured.

    A cell that was measured with the same settings is not measured again; results of other settings stay in
    the file and are not looked at.

    Args:
        path: The file.
        settings: What a result depends on beside its cell.
    """

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        self.path, self.settings = path, json.loads(json.dumps(settings))
        self.notes: list[str] = []
        self._rows: dict[str, Row] = {}
        for line in path.read_text().splitlines() if path.is_file() else ():
            try:
                entry = json.loads(line)
            except ValueError:  # empty, or cut off when a session was killed
                continue
            if entry["settings"] == self.settings:
                self._rows[_key(entry["cell"])] = entry["result"]

    def complete(
        self, cells: Sequence[Row], measure: Callable[..., Row], publish: Callable[[list[Row]], None]
    ) -> None:
        """Measure what is not known yet, then make the tables; also of an interrupted session.

        Args:
            cells: What distinguishes one result from another, by name.
            measure: Called with a cell's entries.  A RuntimeError is noted, and tried again the next time.
            publish: Called with the results, each with its cell's entries.
        """
        from ...parallel.agreement import code_fingerprint

        code = code_fingerprint()[:10]
        missing = [cell for cell in cells if _key(cell) not in self._rows]
        say(f"{len(cells)} runs, {len(cells) - len(missing)} of them known from before")
        try:
            for i, cell in enumerate(missing, 1):
                name = ", ".join(f"{key} {value}" for key, value in cell.items())
                say(f"{i}/{len(missing)}  {name}")
                try:
                    self._append(cell, {**measure(**cell), "code": code})
                except RuntimeError as error:  # the others go on
                    say(str(error))
                    self.notes.append(f"note: {name}: {error}")
        except KeyboardInterrupt:
            self.notes.append("note: interrupted, these are the results so far")
            raise KeyboardInterrupt("interrupted; the same command goes on from here") from None
        finally:
            rows = [{**cell, **self._rows[_key(cell)]} for cell in cells if _key(cell) in self._rows]
            if len({row["code"] for row in rows}) > 1:
                self.notes.append(
                    "note: these are runs of several versions of the code; see `code` of the rows"
                )
            publish(rows)

    def _append(self, cell: Row, result: Row) -> None:
        entry = {"settings": self.settings, "cell": cell, "result": result}
        with self.path.open("a") as file:  # the line break comes first: it ends a line that was cut off
            file.write("\n" + json.dumps(entry))
        self._rows[_key(cell)] = result


def _key(cell: Row) -> str:
    return json.dumps(cell, sort_keys=True)
