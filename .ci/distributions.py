#!/usr/bin/env python3
"""Build the wheel and the sdist of a release, and check them as PyPI does.

    python .ci/distributions.py https://HOST/PROJECT/raw/v0.1.0/ dist

PyPI shows the README without the files beside it: its links to them are made absolute, below that address.
Built from what git tracks, in a folder of their own; the wheel is made from the sdist.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"""(\]\(|\b(?:src|href)=")(?![a-z]+:|#|/)([^)"\s]+)""")


def with_absolute_links(text: str, address: str) -> str:
    """Markdown in which links to files lead below an address; code stays as it is."""
    parts = FENCE.split(text)
    parts[::2] = [LINK.sub(lambda m: m[1] + address + m[2], part) for part in parts[::2]]
    return "".join(parts)


def build(address: str, out: Path) -> list[Path]:
    """Build and check both files; return where they are."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        for name in filter(None, listing.split("\0")):
            copied = Path(folder) / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copied, follow_symlinks=False)
        readme = Path(folder) / "README.md"
        readme.write_text(with_absolute_links(readme.read_text(encoding="utf-8"), address), encoding="utf-8")
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out.resolve())]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    files = sorted(out.glob("sapts_pinn-*"))
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *map(str, files)], check=True)
    return files


if __name__ == "__main__":
    if len(sys.argv) != 3 or not re.match(r"https://.*/$", sys.argv[1]):
        sys.exit("usage: distributions.py https://ADDRESS/OF/THE/FILES/ OUT")
    for file in build(sys.argv[1], Path(sys.argv[2])):
        print(file)
