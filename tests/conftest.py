"""What every part of the test tree shares: a real server, ours by default, or any other by `--url`."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.in_process import Api

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:  # the black-box suites import their own modules as tests.<folder>.<module>
    sys.path.insert(0, str(ROOT))

# Any well-formed credentials do for a server that is open; one behind --url gets the caller's own.
os.environ.setdefault("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE000000000")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "secret")
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--url", help="run the black-box suites against this endpoint instead of a server of our own")
    parser.addoption(
        "--target",
        default="statordb",
        help="which server --url leads to; tests marked deviates(target, reason) must fail there",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "deviates(target, reason): that server is known to answer otherwise than AWS")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A known deviation of the server under test is a strict expected failure, never a skip.

    The longest files come first, so that with two test processes neither ends long after the other.
    """
    target = config.getoption("--target")
    for item in items:
        for mark in item.iter_markers("deviates"):
            if mark.args[0] == target:
                item.add_marker(pytest.mark.xfail(reason=mark.args[1], strict=True))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    longest = ("tests/fuzz/", "tests/consumers/", "tests/crash/", "tests/sdk/", "tests/lambda_api/", "tests/api_suite/")
    return next((turn for turn, folder in enumerate(longest) if item.nodeid.startswith(folder)), len(longest))


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Endpoint of the server under test: of `--url`, or of one in memory that lives as long as the test session."""
    url = request.config.getoption("--url")
    if url:
        yield str(url)
        return
    from tests.process import ServerProcess

    with ServerProcess("--memory") as process:
        yield process.url


@pytest.fixture
def directory() -> Iterator[Path]:
    """A new directory in memory, where there is such a thing, for a store of the test's own."""
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    path = Path(tempfile.mkdtemp(prefix="statordb-test-", dir=parent))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def api(directory: Path) -> "Iterator[Api]":
    """The whole API in process, on a store of its own for each test."""
    from tests.in_process import Api  # it needs the whole server, which suites against a URL do without

    made = Api(directory)
    yield made
    made.close()
    made.loop.close()
