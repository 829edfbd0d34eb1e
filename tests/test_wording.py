"""Docstrings can be read by themselves, files are read at once, and every module has its test file."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Words that need the line above: what they stand for is not said.
VAGUE = re.compile(r"^(What|Whether|Those|Of |One |The same|Be told|Nothing|As of|As |That |Who |How )")
LINES_OF_A_FILE, LINES_OF_A_FUNCTION, ARGUMENTS = 400, 60, 8
LONGER = {"solve"}  # the public function, by its signature
WITHOUT_TEST = {  # nothing in them can be wrong by itself
    "derivatives/multi_index.py",  # a name for a type
    "derivatives/context.py",  # a name for a type
    "deepxde/untyped.py",  # names for types
    "problems/answers.py",  # a protocol, and names for types
    "training/points.py",  # a protocol
    "problems/description.py",  # a protocol
    "viz/view.py",  # a protocol
    "_version.py",  # a number, which test_packaging.py compares
}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def modules() -> list[Path]:
    found = [p for room in ("sapts_pinn", "problems", "geometry") for p in (ROOT / room).rglob("*.py")]
    return [p for p in found if "scripts" not in p.parts and not any(q.is_symlink() for q in p.parents)]


def definitions(path: Path) -> Iterator[Definition]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Definition):
            yield node


def code_lines(path: Path) -> set[int]:
    """Lines that hold more than a comment."""
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type not in skipped:
            found.update(range(token.start[0], token.end[0] + 1))
    return found


def length(node: Definition, code: set[int]) -> int:
    """Lines of code of a function without its docstring."""
    first = node.body[0]
    documented = ast.get_docstring(node) is not None and first.end_lineno is not None
    text = set(range(first.lineno, first.end_lineno + 1)) if documented else set()
    return len({*range(node.lineno, node.end_lineno + 1)} & code - text)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_can_be_read(path: Path) -> None:
    code = code_lines(path)
    assert not VAGUE.match(ast.get_docstring(ast.parse(path.read_text())) or "")
    for node in definitions(path):
        text = ast.get_docstring(node) or ""
        assert not VAGUE.match(text), f"{node.name}: {text.splitlines()[0]!r} needs the line above"
        if isinstance(node, ast.ClassDef):
            continue
        if node.name not in LONGER:
            assert length(node, code) <= LINES_OF_A_FUNCTION, node.name
        if node.name == "__init__":
            arguments = [*node.args.posonlyargs, *node.args.args[1:], *node.args.kwonlyargs]
            assert len(arguments) <= ARGUMENTS, f"{path.name}:{node.lineno}"
    assert len(path.read_text().splitlines()) <= LINES_OF_A_FILE


def place_of_test(path: Path) -> Path:
    """Where a module is tested: the folder of its room, and its name."""
    room = path.relative_to(ROOT)
    if room.parts[0] == "sapts_pinn":
        room = room.relative_to("sapts_pinn")
    return ROOT / "tests" / room.parent / f"test_{room.stem}.py"


def test_every_module_has_a_test_file() -> None:
    """The exceptions are few, are there, and have none."""
    found = [path for path in modules() if not path.name.startswith("__")]
    without = [path.relative_to(ROOT) for path in found if not place_of_test(path).is_file()]
    assert {str(path).removeprefix("sapts_pinn/") for path in without} == WITHOUT_TEST


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_test_file_can_be_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES_OF_A_FILE
