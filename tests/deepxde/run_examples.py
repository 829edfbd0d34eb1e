"""Runs DeepXDE's own example scripts with our methods: what a user would do who only changes `compile`.

    pip download --no-deps --no-binary :all: deepxde==1.15.0, unpacked, has them in its folder examples/
    python tests/deepxde/run_examples.py EXAMPLES [--methods tr,sapts-d] [--floats float32,float64] [--jobs 2]

Every script is run with the import added, the first argument of `compile` replaced and its learning rate
dropped, and 50 iterations.  A script passes when its loss falls, or when it is refused in a sentence.
The variant for PyTorch is chosen where a script has several.  Whether it runs at all is found out with
DeepXDE's own optimizers.  This is a measurement of minutes and no test: the examples are not part of
DeepXDE's package.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PREAMBLE = """
import json, os
import matplotlib; matplotlib.use("Agg")
{ours}
import deepxde as _dde
{precision}
_dde.optimizers.config.LBFGS_options.update(maxiter=2, iter_per_step=2, fun_per_step=4)
_train, _seen = _dde.Model.train, []
def _recorded(self, *args, **kwargs):
    first = len(self.losshistory.loss_train)
    out = _train(self, *args, **kwargs)
    losses = [float(sum(l)) for l in self.losshistory.loss_train[first:]]
    _seen.append((self.train_state.step, losses[0], losses[-1]))
    print("SEEN " + json.dumps(_seen[-1]), flush=True)
    return out
_dde.Model.train = _recorded
"""


MARKER = re.compile(r"\s*# (?:Backend|Import .* backend|Use .* backend) ?(.*)")


def for_pytorch(text: str) -> str:
    """The variant for PyTorch of a script: variants follow one another, all but one commented out.

    A variant begins with a comment that names its backends.  TensorFlow's comes first and is active.
    """
    out: list[str] = []
    mine = active = (
        None  # of a variant: whether it is PyTorch's, and whether it is code (None: not known yet)
    )
    for line in text.splitlines():
        bare = line.strip()
        if found := MARKER.fullmatch(line):
            mine, active = "pytorch" in found[1], None
            continue
        if mine is not None and active is None and bare:
            active = not bare.startswith("#")
        if mine is None or (mine and active):
            out.append(line)
        elif active:
            continue  # up to the next variant
        elif bare.startswith("#"):
            out += [re.sub(r"^(\s*)# ?", r"\1", line)] if mine else []
        else:
            mine = None
            out.append(line)
    return "\n".join(out) + "\n"


class Changes(ast.NodeTransformer):
    """Another method, 50 iterations."""

    def __init__(self, method: str | None, iterations: int) -> None:
        self.method, self.iterations = method, iterations

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Attribute):
            return node
        if node.func.attr == "compile" and self.method:
            node.args = [ast.Constant(self.method), *node.args[2:]]
            node.keywords = [k for k in node.keywords if k.arg not in ("optimizer", "lr", "decay")]
        if node.func.attr == "train":
            kept = [k for k in node.keywords if k.arg not in ("iterations", "epochs", "display_every")]
            node.args = []
            node.keywords = [*kept, ast.keyword("iterations", ast.Constant(self.iterations))]
        return node


def run(script: Path, method: str | None, precision: str, timeout: float) -> dict[str, object]:
    """One script; without a method as it is, for two iterations."""
    tree = Changes(method, 50 if method else 2).visit(ast.parse(for_pytorch(script.read_text())))
    ours = "import sapts_pinn.deepxde" if method else "os.environ['DDE_BACKEND'] = 'pytorch'"
    start = PREAMBLE.format(ours=ours, precision=f"_dde.config.set_default_float({precision!r})")
    source = start + ast.unparse(ast.fix_missing_locations(tree))
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        cwd=script.parent,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
        last = err.strip().splitlines()[-1] if process.returncode else "done"
    except subprocess.TimeoutExpired:  # some refine until an error is reached, which 50 iterations do not
        process.kill()
        out, err = process.communicate()
        last = f"cut off after {timeout:g} s"
    seen = [json.loads(line[5:]) for line in out.splitlines() if line.startswith("SEEN ")]
    notes = [line.split("Warning: ")[1] for line in err.splitlines() if "UserWarning: " in line]
    return {"status": last, "seen": seen, "notes": notes}


def verdict(found: dict[str, object]) -> str:
    """In a word."""
    seen, status = found.get("seen"), str(found["status"])
    if status.startswith(("done", "cut off")) and isinstance(seen, list) and seen:
        return "lower" if seen[0][2] < seen[0][1] else "NOT LOWER"  # later ones may have nothing left to do
    refused = status.startswith(("InputError: ", "TypeError: ")) and "use " in status
    return "refused" if refused else "FAILED"


def main() -> None:
    """Table on standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("examples", type=Path)
    parser.add_argument("--methods", default="tr,sapts-d")
    parser.add_argument("--floats", default="float32,float64")
    parser.add_argument("--only", default="", help="beginning of the names")
    parser.add_argument("--skip", default="-", help="beginning of the names of those that take too long")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=600.0)
    given = parser.parse_args()
    scripts = sorted(
        s
        for f in ("pinn_forward", "pinn_inverse")
        for s in (given.examples / f).glob(f"{given.only}*.py")
        if not s.name.startswith(given.skip)
    )
    count: dict[str, int] = {}
    able = 0

    def report(script: Path) -> tuple[bool, list[str]]:
        words = []
        for precision in given.floats.split(","):
            found = run(script, None, precision, given.timeout)
            if not str(found["status"]).startswith(("done", "cut off")):
                why = str(found["status"])[:90]
                print(f"{script.name:40} does not run in DeepXDE itself, {precision}: {why}", flush=True)
                continue
            for method in given.methods.split(","):
                found = run(script, method, precision, given.timeout)
                words.append(verdict(found))
                seen = found.get("seen")
                detail = found["status"]
                if isinstance(seen, list) and seen:
                    detail = f"{detail}: {seen[0][1]:.2e} -> {seen[-1][2]:.2e} in {len(seen)} x 50 iterations"
                notes = found.get("notes") or ""
                print(f"{script.name:40} {method:8} {precision} {words[-1]:9} {detail} {notes}", flush=True)
        return bool(words), words

    with ThreadPoolExecutor(given.jobs) as pool:
        for ran, words in pool.map(report, scripts):
            able += ran
            for word in words:
                count[word] = count.get(word, 0) + 1
    print(f"{able} scripts: {count}")


if __name__ == "__main__":
    main()
