"""The function that notes when it runs, and the reading of its notes."""

from pathlib import Path
from typing import Any

import pytest

import triggers
from load import LoadFailed


def event(*numbers: int) -> dict[str, Any]:
    return {"Records": [{"dynamodb": {"NewImage": {"n": {"N": str(number)}}}} for number in numbers]}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log"
    monkeypatch.setenv("LOG", str(path))
    monkeypatch.setattr(triggers, "DELIVERY_SECONDS_MAX", 0)
    return path


def test_a_record_counts_from_the_first_time_it_came(log: Path) -> None:
    function: dict[str, Any] = {}
    exec(triggers.CODE, function)
    function["handler"](event(1, 2), None)
    first = triggers._await_lines(log, 2)
    function["handler"](event(2, 3), None)
    handled = triggers._await_lines(log, 3)
    assert handled == first | {3: handled[3]}


def test_a_record_that_never_came_is_found(log: Path) -> None:
    log.write_text("1 10.5\n1 11.5\n")
    with pytest.raises(LoadFailed, match="got 1 of 2"):
        triggers._await_lines(log, 2)
