"""Comparison of the settings and the code of all ranks."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from ..errors import InputError
from .communicator import Communicator, name_ranks


def check_same(communicator: Communicator, **items: object) -> None:
    """Check that all ranks have the same settings: otherwise they would hang, or compute nonsense.

    Args:
        communicator: The ranks.
        items: What has to be equal, by name: `code=code_fingerprint(), problem=..., configuration=...`; what
            JSON cannot write is compared by its `repr`.

    Raises:
        InputError: On every rank, naming each item that differs, and the ranks where it is not rank 0's.
    """
    texts = {name: json.dumps(item, sort_keys=True, default=repr) for name, item in items.items()}
    marks = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    first, *others = communicator.gather_objects(marks)
    differing = []
    for name in sorted(first.keys() | {name for other in others for name in other}):
        ranks = [rank for rank, other in enumerate(others, 1) if other.get(name) != first.get(name)]
        if ranks:
            differing.append(f"the {name} of {name_ranks(ranks)}")
    if differing:
        raise InputError(
            f"{' and '.join(differing)} differs from that of rank 0; "
            "start every rank from the same installation and with the same arguments"
        )


def code_fingerprint() -> str:
    """Hash the sources of this package (.py and .c), wherever they are installed."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    # In a checkout two of the folders are links.
    walk = os.walk(package, followlinks=True)
    files = (
        Path(folder, name) for folder, _, names in walk for name in names if name.endswith((".py", ".c"))
    )
    for file in sorted(files):
        digest.update(f"{file.relative_to(package).as_posix()}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
