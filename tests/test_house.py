"""Rules of the house about the code as a whole that no other tool holds; import-linter has those of the rooms."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

SOURCE = Path(__file__).parents[1] / "src" / "statordb"
FUNCTION_LINES_MAX = 60
CLASS_LINES_MAX = 200
FILE_LINES_MAX = 500
NAMELESS = {"base", "common", "helpers", "misc", "util", "utils"}


def cycle(imports: dict[str, set[str]]) -> list[str]:
    """Modules each of which imports the one before it, the first and the last being the same; empty if there are
    none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as found:
        ring: list[str] = found.args[1]
        return ring
    return []


def test_no_modules_import_each_other() -> None:
    """Imports within functions and for types alone count as well: who reads one has to read the other."""
    graph = grimp.build_graph("statordb", cache_dir=None)
    assert cycle({module: graph.find_modules_directly_imported_by(module) for module in graph.modules}) == []


def test_a_ring_of_imports_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: one import within a function, one for types, one at the top."""
    package = tmp_path / "ringed"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text("from ringed import two\n")
    (package / "two.py").write_text("def f():\n    import ringed.three\n")
    (package / "three.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ringed.one import x\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    graph = grimp.build_graph("ringed", cache_dir=None)
    ring = cycle({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    assert set(ring) == {"ringed.one", "ringed.two", "ringed.three"}


ROOMS = sorted({path.parent for path in SOURCE.rglob("*.py")})


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(SOURCE)))
def test_files_classes_and_functions_can_be_seen_whole(room: Path) -> None:
    assert list(_too_long(room)) == []


def _too_long(room: Path) -> Iterator[str]:
    for path in sorted(room.glob("*.py")):
        text = path.read_text()
        if text.count("\n") > FILE_LINES_MAX:
            yield path.name
        for node in _defined(ast.parse(text)):
            most = CLASS_LINES_MAX if isinstance(node, ast.ClassDef) else FUNCTION_LINES_MAX
            if (node.end_lineno or 0) - node.lineno + 1 > most:
                yield f"{path.name}: {node.name}"


def _defined(within: ast.AST) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Classes and functions, those within others too."""
    for node in ast.iter_child_nodes(within):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        if isinstance(node, ast.stmt):
            yield from _defined(node)


def test_modules_are_called_by_what_they_serve() -> None:
    assert [path for path in SOURCE.rglob("*") if path.stem in NAMELESS] == []
