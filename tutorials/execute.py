"""Execute the tutorials and write the notebooks beside them: `python tutorials/execute.py [NN_name ...]`.

The `.py` files are the source.  Each is run in a fresh kernel, in a folder that is thrown away, and stored with its
outputs, without execution times and without anything that names the machine.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
TIMEOUT = 180


def read(name: str) -> nbformat.NotebookNode:
    """The notebook that a tutorial's .py file describes; its cells have the same ids every time."""
    notebook = jupytext.read(HERE / f"{name}.py")
    for number, cell in enumerate(notebook.cells):
        cell.id = hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:8]
    return notebook


def execute(notebook: nbformat.NotebookNode, folder: Path, timeout: int = TIMEOUT) -> nbformat.NotebookNode:
    """Run a notebook in a fresh kernel of this environment, in the given folder."""
    # Outside an activated environment Jupyter would prefer a kernel of the user's over that of this environment.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=resources).execute()


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave out what differs from machine to machine."""
    notebook.metadata = {
        "jupytext": {"formats": "ipynb,py:percent"},
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", ()):
            if "text" in output:
                output.text = re.sub(r"0x[0-9a-f]{6,}", "0x...", output.text)
    return notebook


def main(names: list[str]) -> None:
    """Execute the named tutorials, or all of them."""
    for name in names or sorted(path.stem for path in HERE.glob("[0-9]*.py")):
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            notebook = clean(execute(read(name), Path(folder)))
        nbformat.validate(notebook)
        nbformat.write(notebook, HERE / f"{name}.ipynb")
        print(f"{name}: {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
