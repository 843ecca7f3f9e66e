"""A store that is made in process, lost, and brought back by the commands that people use."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.archive.backed_up import create, put
from tests.in_process import Api

from statordb.server.main import main

Told = tuple[int, str]
"""An exit code, and what was printed."""


def made(directory: Path, **members: Any) -> Api:
    """A store with a table of two indexes and 300 items."""
    directory.mkdir(mode=0o700)
    api = Api(directory)
    create(api, **members)
    for number in range(300):
        put(api, number % 40, number, g=f"g{number % 7}", l=f"l{number % 5}", v="x" * (number % 50))
    return api


def run(capsys: pytest.CaptureFixture[str], *words: object) -> Told:
    """One of the commands."""
    code = main([str(word) for word in words])
    told = capsys.readouterr()
    return code, told.out + told.err


def backed_up(api: Api, place: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """Copy the store, which is closed for that."""
    api.close()
    try:
        return run(capsys, "backup", place, "--data", api.directory)
    finally:
        api.open()


def lost(api: Api) -> Path:
    """Lose the store; a copy of its key file, which somebody has kept."""
    kept = api.directory.with_name("kept.json")
    shutil.copy(api.directory / "keys.json", kept)
    api.close()
    shutil.rmtree(api.directory)
    return kept


def restored(place: Path, keys: Path, data: Path, capsys: pytest.CaptureFixture[str], *words: object) -> Told:
    return run(capsys, "restore", "--from", place, "--keys", keys, "--data", data, *words)


def moment_of(told: str) -> str:
    """The id of the moment that a backup has told."""
    found = re.search(r"[(]([0-9]{14}-[0-9a-f]{8})[)]", told)
    assert found, told
    return found[1]


def small(name: str) -> dict[str, Any]:
    """What makes another table."""
    return {
        "TableName": name,
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
