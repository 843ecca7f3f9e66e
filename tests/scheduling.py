"""In which order tests run, and which of a run's processes runs which.

Processes share one cluster of Cassandra's nodes. What kills or pauses nodes has a cluster of its own, and waits most of
the time: it is done first, in one process, which goes on with the others that need nodes, and begins with what needs
none when there are no more of these. The other processes do it the other way round: so all end at about the same time.
"""

from collections.abc import Callable
from typing import Any

OWN_CLUSTER = "tests/cassandra/test_secured.py"  # has nodes to itself
NODES = "nodes"  # begins the scopes of what shares or breaks them
BREAKERS = (
    "tests/cassandra/test_cluster.py",
    "tests/cassandra/test_cut_reads.py",
    "tests/faults/test_cassandra.py",
    "tests/faults/test_recovery.py",
)
ONE_KEYSPACE = ("tests/engine/cassandra/", "tests/engine/contract/")  # each process would make one, which takes seconds
# The longest come first, so that no process ends long after the others.
LONGEST = (
    *BREAKERS,
    "tests/engine/cassandra/",
    "tests/engine/contract/",
    "tests/cassandra/test_api_suite.py",
    "tests/archive/test_cassandra.py",
    "tests/hostile/",
    "tests/consumers/",
    "tests/faults/",
    "tests/sdk/test_awscli",
    "tests/crash/",
    "tests/cassandra/",
    "tests/server/test_cassandra_servers.py",
    "tests/server/test_serve.py",
    "tests/sdk/",
    "tests/fuzz/",
    "tests/triggers/",
    "tests/kinesis/",
    "tests/lambda_suite/",
    "tests/examples/",
    "tests/docs/",
    "tests/api_suite/",
)


def shares_nodes(nodeid: str) -> bool:
    """Whether a test may use the shared nodes: its id tells, which is all that the scheduler knows of it."""
    return "cassandra" in nodeid and not nodeid.startswith((OWN_CLUSTER, *BREAKERS))


def breaks_nodes(nodeid: str) -> bool:
    return nodeid.startswith(BREAKERS)


def turn(nodeid: str) -> int:
    """What tests are sorted by."""
    return next((turn for turn, path in enumerate(LONGEST) if nodeid.startswith(path)), len(LONGEST))


def scope_of(nodeid: str) -> str:
    """Tests of one scope run in one process, one after the other: those of a file, which may share servers, or of
    files that share a keyspace. Of a file whose tests have other engines too, those that use the nodes are apart."""
    if breaks_nodes(nodeid):
        return f"{NODES} that are broken"
    file, _, _ = nodeid.partition("::")
    if not shares_nodes(nodeid):
        return file
    return f"{NODES} of {next((folder for folder in ONE_KEYSPACE if file.startswith(folder)), file)}"


def scheduling(config: Any, log: Any) -> object:
    """A scheduler for xdist."""
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(config, log)
            self._choose = chooser()

        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            self.workqueue.move_to_end(self._choose(node, list(self.workqueue)), last=False)
            super()._assign_work_unit(node)

    return Scheduling()


def chooser() -> Callable[[object, list[str]], str]:
    """Which of the scopes that wait a process has next: the first one of its kind, or the first of all."""
    of_the_nodes: list[object] = []  # the process that begins with them

    def choose(process: object, waiting: list[str]) -> str:
        if not of_the_nodes:
            of_the_nodes.append(process)
        wanted = process is of_the_nodes[0]
        return next((scope for scope in waiting if scope.startswith(NODES) == wanted), waiting[0])

    return choose
