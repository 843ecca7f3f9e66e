"""What every part of the test tree shares: a real server, ours by default, or any other by `--url`."""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from tests.cassandra.cluster.cluster import Cluster
    from tests.in_process import Api

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:  # the black-box suites import their own modules as tests.<folder>.<module>
    sys.path.insert(0, str(ROOT))

from tests import brevity, scheduling, slowness, stalls  # noqa: E402  # found by the path above

# How long an example takes says something of the machine, not of the code.
hypothesis.settings.register_profile("statordb", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("statordb")

# Any well-formed credentials do for a server that is open; one behind --url gets the caller's own.
os.environ.setdefault("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE000000000")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "secret")
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

RUN = "STATORDB_TEST_RUN"  # environment variable: process id of the pytest that was called, known to its workers too
CLUSTER_FIXTURES = {"cassandra", "cassandra_hosts", "plain_cassandra", "sealed_cassandra", "own_cassandra"}
# Suites whose judges look for what is lost, torn or out of order. Where they find it, once is enough; what fails there
# in another way (a node that does not start, an answer that does not come) may be tried again as everywhere.
JUDGED = ("tests/crash/", "tests/faults/", "tests/fuzz/", "tests/kinesis/", "tests/triggers/", "tests/consumers/")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--url", help="run the black-box suites against this endpoint instead of a server of our own")
    parser.addoption(
        "--target",
        default="statordb",
        help="which server --url leads to; tests marked deviates(target, reason) must fail there",
    )


@pytest.hookimpl(trylast=True)  # when there is a terminal reporter
def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault(RUN, str(os.getpid()))
    if config.getoption("dist", None) == "loadfile":  # as `make test` does; its worker processes inherit it
        os.environ[slowness.LENIENT] = "1"
    config.addinivalue_line("markers", "deviates(target, reason): that server is known to answer otherwise than AWS")
    config.addinivalue_line("markers", "stands(reason): an event loop of this test may be busy for long in one go")
    config.addinivalue_line("markers", "cassandra: needs a cluster; given to all that uses the fixtures")
    brevity.install(config)


def pytest_unconfigure() -> None:
    if os.environ[RUN] == str(os.getpid()):  # not in the worker processes
        from tests.cassandra.cluster import shared

        shared.leave(os.getpid())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    return scheduling.scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """The nodes that tests break are ended behind the last of these, when its fixtures have gone."""
    result = yield
    if scheduling.breaks_nodes(item.nodeid) and (nextitem is None or not scheduling.breaks_nodes(nextitem.nodeid)):
        from tests.cassandra.cluster import shared

        shared.BREAKABLE.end()
    return result


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A known deviation of the server under test is a strict expected failure, never a skip."""
    target = config.getoption("--target")
    reruns = config.getoption("reruns")
    for item in items:
        for mark in item.iter_markers("deviates"):
            if mark.args[0] == target:
                item.add_marker(pytest.mark.xfail(reason=mark.args[1], strict=True))
        if reruns and item.nodeid.startswith(JUDGED):
            item.add_marker(pytest.mark.flaky(reruns=reruns, rerun_except="AssertionError"))
        if _needs_cluster(item):
            item.add_marker(pytest.mark.cassandra)
        if item.get_closest_marker("cassandra"):
            if "cassandra" not in item.nodeid:  # all that the scheduler knows of a test
                raise pytest.UsageError(f"{item.nodeid} uses a cluster: say cassandra in its path, name or parameter")
    items.sort(key=lambda item: scheduling.turn(item.nodeid))


def _needs_cluster(item: pytest.Item) -> bool:
    """Whether it names one of the fixtures, or has a parameter whose value names one that is asked for later."""
    names = set(getattr(item, "fixturenames", ()))
    callspec = getattr(item, "callspec", None)
    for value in callspec.params.values() if callspec else ():
        if isinstance(value, tuple):
            names.update(part for part in value if isinstance(part, str))
    return not CLUSTER_FIXTURES.isdisjoint(names)


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


@pytest.fixture(scope="session")
def cluster_wanted(request: pytest.FixtureRequest) -> None:
    """Fails where tests that use a cluster are left out: one that comes through is not known to use it."""
    if "not cassandra" in request.config.getoption("markexpr"):
        pytest.fail("a test uses a cluster and has not got the mark cassandra")


@pytest.fixture(scope="session")
def cassandra(cluster_wanted: None) -> "Cluster":
    """A cluster of three nodes, shared by all tests. Their ids must have "cassandra" in the path, name or parameter."""
    from tests.cassandra.cluster import shared

    return shared.join(int(os.environ[RUN]))


@pytest.fixture(scope="module")
def own_cassandra(request: pytest.FixtureRequest, cluster_wanted: None) -> "Cluster":
    """A cluster like it that nobody else uses, for files that `scheduling.BREAKERS` names."""
    from tests.cassandra.cluster import shared

    assert scheduling.breaks_nodes(request.node.nodeid), "nobody would end its nodes"
    return shared.BREAKABLE.get()


@pytest.fixture
def breakable_cassandra(own_cassandra: "Cluster") -> "Iterator[Cluster]":
    """The same for a test that kills or pauses nodes; they are all there again afterwards."""
    yield own_cassandra
    own_cassandra.start()


@pytest.fixture(scope="session")
def cassandra_hosts(request: pytest.FixtureRequest, cluster_wanted: None) -> tuple[str, ...]:
    """Nodes to connect to, which no test may break: those that STATORDB_TEST_CASSANDRA names, or else our cluster's."""
    named = os.environ.get("STATORDB_TEST_CASSANDRA")
    if named:
        return tuple(named.split(","))
    cluster: Cluster = request.getfixturevalue("cassandra")
    return cluster.hosts


@pytest.fixture(autouse=True)
def loop_stalls(request: pytest.FixtureRequest) -> Iterator[None]:
    """What runs on an event loop in the test's own process may not hold it: see tests/stalls.py.

    A test that says `stands(reason)` is let off, as are commands and starts: nobody is served meanwhile.
    """
    if request.node.nodeid.startswith("tests/server/test_"):
        yield
        return
    stall = stalls.Stall()
    with stalls.watched(stall):
        yield
    if request.node.get_closest_marker("stands") is None:
        exact = slowness.is_exact()
        assert stall.allowed(exact), f"a loop stood for {stall.seconds * 1000:.0f} ms of processor time in {stall.what}"


@pytest.fixture
def directory() -> Iterator[Path]:
    """A new directory in memory, where there is such a thing, for a store of the test's own."""
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    path = Path(tempfile.mkdtemp(prefix="statordb-test-", dir=parent))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def api(directory: Path) -> "Iterator[Api]":
    """The whole API in process, on a store of its own for each test, in which every space has an owner afterwards."""
    from tests.in_process import Api  # it needs the whole server, which suites against a URL do without
    from tests.invariants import check_spaces

    made = Api(directory)
    yield made
    made.run(check_spaces(made.store))
    made.close()
    made.loop.close()
