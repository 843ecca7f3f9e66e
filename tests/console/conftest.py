"""One open server with its console for the tests of a folder's process, and one that checks keys."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from tests.process import ServerProcess

KEY = ("AKIAROOTROOTROOTROOT", "a-secret-of-the-root")


class Served(NamedTuple):
    """Where the server is, and its console."""

    url: str
    console: str
    process: ServerProcess


def served(process: ServerProcess) -> Served:
    shown = re.search(r"^Console on (http://127\.0\.0\.1:[0-9]+)$", process.shown(), re.MULTILINE)
    assert shown is not None, process.shown()
    return Served(process.url, shown[1], process)


@pytest.fixture(scope="session")
def opened() -> Iterator[Served]:
    with ServerProcess("--memory", "--workers", "1", "--console-port", "0") as process:
        yield served(process)


@pytest.fixture(scope="session")
def guarded() -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATORDB_ROOT_ACCESS_KEY_ID", KEY[0])
        patch.setenv("STATORDB_ROOT_SECRET_ACCESS_KEY", KEY[1])
        process = ServerProcess("--memory", "--workers", "1", "--auth", "iam", "--console-port", "0")
    with process:
        yield served(process)
