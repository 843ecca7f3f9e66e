"""A Cassandra cluster on this machine: up to three nodes, one rack each, for tests, benchmarks and trials.

    python -m tests.cassandra.cluster.cluster start|stop|remove|status [--directory D] [--network 127.0.0] [--nodes 3]

`start` returns when all nodes serve and see each other; it takes up what is there. The jars come by install.sh.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cassandra.cluster.access import Access
from tests.cassandra.cluster.configuration import CQL_PORT, DATACENTER
from tests.cassandra.cluster.node import Node

DIRECTORY = Path(__file__).resolve().parents[3] / ".tools" / "cassandra" / "cluster"
NETWORK = "127.0.0"
NODES_MAX = 3  # as many as there are copies of what the nodes ask each other for to see who is there
BOOT_SECONDS_MAX = 1200.0


class Cluster:
    """The nodes at `network`.1, .2, .3, with their folders in `directory`. The directory is all its state.

    `access`: what clients need to get in; None: all do. `bound`: the nodes end when this process does. `passing`: they
    are not killed but to be forgotten.
    """

    def __init__(
        self,
        directory: Path = DIRECTORY,
        *,
        nodes: int = NODES_MAX,
        network: str = NETWORK,
        quick: bool = False,
        access: Access | None = None,
        bound: bool = False,
        passing: bool = False,
    ) -> None:
        self.directory = directory.absolute()
        self.hosts = tuple(f"{network}.{number}" for number in range(1, nodes + 1))
        self.port = CQL_PORT
        self.datacenter = DATACENTER
        self.nodes: Sequence[Node] = [
            Node(
                self.directory / f"node{number}",
                number,
                self.hosts,
                quick=quick,
                access=access,
                bound=bound,
                passing=passing,
            )
            for number in range(1, nodes + 1)
        ]

    def start(self) -> None:
        """Start every node that does not live, let those that are paused go on, and wait."""
        for node in self.nodes:
            node.start()
        self.wait()

    def serves(self) -> bool:
        """Whether every node does, and sees every other."""
        return all(node.serves(copies=len(self.nodes)) for node in self.nodes)

    def wait(self, seconds: float = BOOT_SECONDS_MAX) -> None:
        """Until every node that was started serves and sees the others: until a read that it coordinates is answered
        by as many nodes. Nodes that were killed, stopped or paused by us are left out.

        Raises RuntimeError with the end of a log when a node ends by itself, or takes longer.
        """
        deadline = time.monotonic() + seconds
        waiting = wanted = [node for node in self.nodes if node.wanted]
        while waiting:
            waiting = [node for node in waiting if not node.serves(copies=len(wanted))]
            late = time.monotonic() > deadline
            for node in waiting:
                if late or node.pid is None:
                    raise RuntimeError(f"Cassandra on {node.address} does not serve:\n{node.log_tail()}")
            time.sleep(0.2 if waiting else 0)

    def kill(self) -> None:
        """kill -9 every node that lives, all at one moment."""
        living = [node for node in self.nodes if node.pid is not None]
        for node in living:
            node.signal(signal.SIGKILL)
        for node in living:
            node.await_end()

    def stop(self) -> None:
        """An orderly end of every node that lives."""
        living = [node for node in self.nodes if node.pid is not None]
        for node in living:
            node.ask_to_end()
        for node in living:
            node.await_end()

    def remove(self) -> None:
        """Kill the nodes, and forget all data."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A Cassandra cluster on this machine.")
    parser.add_argument("action", choices=("start", "stop", "remove", "status"))
    parser.add_argument("--directory", type=Path, default=DIRECTORY)
    parser.add_argument("--network", default=NETWORK, help="first three numbers of the nodes' addresses")
    parser.add_argument("--nodes", type=int, choices=range(1, NODES_MAX + 1), default=NODES_MAX)
    parser.add_argument("--quick", action="store_true", help="less compiling: sooner at a lower speed")
    given = parser.parse_args(words)
    cluster = Cluster(given.directory, nodes=given.nodes, network=given.network, quick=given.quick)
    if given.action == "start":
        cluster.start()
        print("Cassandra serves on " + ", ".join(cluster.hosts))
    elif given.action == "stop":
        cluster.stop()
    elif given.action == "remove":
        cluster.remove()
    else:
        for node in cluster.nodes:
            print(f"{node.address} {'serves' if node.serves() else 'does not serve'}, process {node.pid}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
