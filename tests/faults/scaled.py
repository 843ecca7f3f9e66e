"""Two servers over a Cassandra cluster of three nodes, and what can happen to any of the five."""

import secrets
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import TypeVar

from tests.cassandra.cluster.cluster import Cluster
from tests.cassandra.cluster.node import Node
from tests.faults.deployment import Cut, Fault, Server, Slowness, both
from tests.faults.wrong_clock import Offset
from tests.process import STATORDB

SERVERS = 2
INIT_SECONDS_MAX = 600  # for a keyspace and its tables
NODE_DOWN_SECONDS = 5.0
NODE_PAUSED_SECONDS = 20.0
SERVER_DOWN_SECONDS = 1.0
SERVER_PAUSED_SECONDS = 12.0  # longer than the others wait before they take it for dead
CUT_SECONDS = 3.0
SERVER_SLOW_SECONDS = 6.0
CLOCK_SET_SECONDS = 2.0
Struck = TypeVar("Struck", Node, Server, int)


class Scaled:
    """Servers with a store of their own in the cluster. A fault strikes one node, or server, after the other."""

    def __init__(self, cluster: Cluster, directory: Path, ahead: Sequence[float] = (0.0,) * SERVERS) -> None:
        """`ahead`: by how many seconds each server's clock is, at first."""
        self._cluster = cluster
        self.keyspace = f"faults_{secrets.token_hex(4)}"
        self.servers: list[Server] = []
        contact = ("--cassandra", ",".join(cluster.hosts), "--datacenter", cluster.datacenter)
        self._store = (*contact, "--keyspace", self.keyspace)
        made = subprocess.run(
            [str(STATORDB), "cluster", "init", *self._store], capture_output=True, text=True, timeout=INIT_SECONDS_MAX
        )
        assert made.returncode == 0, made.stdout + made.stderr
        self._ahead = ahead
        self._offsets = [Offset(directory / f"offset-{number}", seconds) for number, seconds in enumerate(ahead)]
        for number, offset in enumerate(self._offsets):
            data = directory / f"server-{number}"
            if self.servers:
                shutil.copytree(directory / "server-0", data)  # all have the keys that secrets are sealed with
            try:
                self.servers.append(self.server(data, offset))
            except BaseException:
                self.close()
                raise
        self.endpoints = [server.url for server in self.servers]
        self.faults = {fault.name: fault for fault in self._faults()}

    def close(self) -> None:
        """Stop every server; raises what went wrong with any, once none is left."""
        with ExitStack() as stack:
            for server in self.servers:
                stack.callback(server.stop)

    def server(self, data: Path, offset: Offset) -> Server:
        """One more of them."""
        store = ("--engine", "cassandra", *self._store, "--data", str(data))
        return Server(*store, "--workers", "1", offset=offset)

    def _faults(self) -> list[Fault]:
        nodes, servers = self._cluster.nodes, self.servers
        slow = {server.port: Slowness(server) for server in servers}
        cuts = {server.port: Cut(server, self._cluster.port) for server in servers}
        node_killed = _in_turn("node killed", nodes, Node.kill, self._revive, NODE_DOWN_SECONDS)
        server_killed = _in_turn("server killed", servers, Server.kill, Server.start, SERVER_DOWN_SECONDS)
        return [
            node_killed,
            server_killed,
            both(node_killed, server_killed),
            _in_turn("node paused", nodes, Node.pause, self._revive, NODE_PAUSED_SECONDS),
            _in_turn("server paused", servers, Server.pause, Server.resume, SERVER_PAUSED_SECONDS),
            _in_turn(
                "server slow",
                servers,
                lambda server: slow[server.port].begin(),
                lambda server: slow[server.port].end(),
                SERVER_SLOW_SECONDS,
            ),
            _in_turn("clock set", range(SERVERS), self._set_clock, self._set_back, CLOCK_SET_SECONDS),
            _in_turn(
                "server cut from the nodes",
                servers,
                lambda server: cuts[server.port].begin(),
                lambda server: cuts[server.port].end(),
                CUT_SECONDS,
            ),
            Fault("all nodes killed", self._cluster.kill, self._cluster.start, 0.0),
        ]

    def set_clock(self, number: int, ahead: float) -> None:
        """Have a server's clock be so many seconds ahead."""
        self._offsets[number].set(ahead)

    def _set_clock(self, number: int) -> None:
        """To what the other's is: what was given by it so far lies ahead, or behind."""
        self._offsets[number].set(self._ahead[number - 1])

    def _set_back(self, number: int) -> None:
        self._offsets[number].set(self._ahead[number])

    def _revive(self, node: Node) -> None:
        """Start it, or let it go on; until the others see it."""
        node.start()
        self._cluster.wait()


def _in_turn(
    name: str,
    all_: Sequence[Struck],
    harm: Callable[[Struck], None],
    heal: Callable[[Struck], None],
    seconds: float,
) -> Fault:
    """A fault that strikes the next one each time."""
    following = cycle(all_)
    struck: list[Struck] = []

    def harm_next() -> None:
        struck.append(next(following))
        harm(struck[-1])

    return Fault(name, harm_next, lambda: heal(struck.pop()), seconds)
