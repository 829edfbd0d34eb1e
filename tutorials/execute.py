"""Execute the tutorials and write the notebooks beside them: `python tutorials/execute.py [NN_name ...]`.

The `.py` files are the source.  Each is run in a fresh kernel, in a folder that is thrown away, and stored
with its outputs, without execution times and without anything that names the machine.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).parent
TIMEOUT = 900  # of a cell, on a busy machine
FIGURES = {"01_first_pde": {0: "burgers.png", 3: "history.png"}, "02_your_own_equation": {0: "pipe.png"}}


def read(name: str) -> nbformat.NotebookNode:
    """The notebook that a tutorial's .py file describes; its cells have the same ids every time."""
    notebook = jupytext.read(HERE / f"{name}.py")
    for number, cell in enumerate(notebook.cells):
        cell.id = hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:8]
    return notebook


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a fresh kernel of this environment, in the given folder."""
    # Outside an activated environment Jupyter would prefer a kernel of the user's.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=TIMEOUT, kernel_name="python3", resources=resources).execute()


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
                output.text = re.sub(r"\S*/ipykernel_\d+/\d+\.py:\d+", "notebook", output.text)
            if "image/png" in output.get("data", ()):
                output.data["image/png"] = smaller(output.data["image/png"])
    return notebook


def smaller(png: str) -> str:
    """A picture in 256 colours and at most 1,200 pixels wide: notebooks live in a repository."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    picture.thumbnail((1200, 1200))
    out = io.BytesIO()
    picture.quantize(256, kmeans=4, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def pictures(notebook: nbformat.NotebookNode) -> list[bytes]:
    """Its pictures, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    found = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", ())]
    return [base64.b64decode(png) for png in found]


def into_readme(notebook: nbformat.NotebookNode) -> None:
    """Put what `print(solution)` said at the end of the first run into the README, beside its figure."""
    texts = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())]
    said = next(text for text in texts if text.startswith("burgers by "))
    path = HERE.parent / "README.md"
    readme, count = re.subn(
        r"```text\n.*?```", lambda _: f"```text\n{said}```", path.read_text(), count=1, flags=re.S
    )
    assert count == 1, "the README has lost the place for the output of its example"
    path.write_text(readme)


def main(names: list[str]) -> None:
    """Execute the named tutorials, or all of them."""
    for name in names or sorted(path.stem for path in HERE.glob("[0-9]*.py")):
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            notebook = clean(execute(read(name), Path(folder)))
        nbformat.validate(notebook)
        nbformat.write(notebook, HERE / f"{name}.ipynb")
        for number, file in FIGURES.get(name, {}).items():  # those that the README shows
            (HERE / "figures" / file).write_bytes(pictures(notebook)[number])
        if name == "01_first_pde":
            into_readme(notebook)
        print(f"{name}: {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
