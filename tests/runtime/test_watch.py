"""Whether code in a local directory has changed, whatever else lies there."""

import os
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.pools import call, function, run

from statordb.runtime.pool import Pool
from statordb.runtime.watch import signature

ITSELF = ("loop", "loop")
NOWHERE = (".#m3.py", "user@machine.123:456")  # as editors lock a file


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    for number in range(6):
        (tmp_path / f"m{number}.py").write_text("def handler(event, context): return 1")
    return tmp_path


@pytest.mark.parametrize(("name", "target"), [ITSELF, NOWHERE])
def test_links_that_lead_to_nothing_hide_nothing(name: str, target: str, modules: Path) -> None:
    before = signature(modules)
    assert len(before) == 6
    (modules / name).symlink_to(target)
    assert signature(modules) == before
    (modules / "m5.py").write_text("changed")
    assert signature(modules) != before


def test_a_directory_that_may_not_be_read_hides_no_other(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run as root, who may read all, so the refusal is made here."""
    for name in ("a", "closed", "z"):
        (modules / name).mkdir()
        (modules / name / "m.py").write_text("")
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if path.endswith("closed"):
            raise PermissionError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert len(signature(modules)) == 8


def test_a_function_runs_beside_a_loop(modules: Path) -> None:
    (modules / "loop").symlink_to("loop")

    async def story(pool: Pool) -> None:
        assert await call(pool, function("m1.handler", code_directory=str(modules))) == 1

    run(story)
