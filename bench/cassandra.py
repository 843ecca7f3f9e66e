"""StatorDB on a Cassandra cluster beside the bare driver on the same cluster, and two StatorDB servers beside one."""

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import cpu
import figures
import memory
import servers
from bare import Bare
from cases import GET, PUT
from figures import Line, Target
from load import Client, LoadFailed, Sample, Wrk, create_table, fill, verify
from servers import Running, Unavailable
from turns import Bench, missing_lines

GROUP = "Cassandra"
ROOT = Path(__file__).resolve().parent.parent
CLUSTER = "tests.cassandra.cluster.cluster"
NETWORK = "127.0.4"  # of the nodes' addresses: not that of `make cluster`
CLUSTER_SECONDS_MAX = 300
CQL_PORT = 9042
NODES = re.compile(r"serves on (.+)$", re.MULTILINE)
ROWS = 2_000
ERRORS_SHARE_MAX = 0.01  # quick refusals are no speed
WARM_FACTOR = 10  # how much longer a load is in the round that warms up: Java takes its time
ONE, TWO, BARE = "StatorDB, 1 server", "StatorDB, 2 servers", "bare driver"
PLAIN, STREAMED = "plain", "streamed"


@dataclass
class Load:
    """What is measured in turns with the others, and what came of it.

    `run`   the load, for so many seconds.
    `ours`  the servers of ours that it goes through; their processor time is told beside Cassandra's.
    """

    case: str
    server: str
    run: Callable[[int], Sample]
    ours: Sequence[Running] = ()
    samples: list[Sample] = field(default_factory=list)
    cassandra_us: list[float] = field(default_factory=list)
    ours_us: list[float] = field(default_factory=list)
    fault: str = ""

    def take(self, seconds: int, nodes: Sequence[int], counted: bool) -> Sample | None:
        """One turn; None where it failed, or one before did: a ratio needs every round of both sides."""
        if self.fault:
            return None
        processes = [pid for server in self.ours for pid in memory.family(server.process.pid)]
        cassandra, ours = cpu.seconds(nodes), cpu.seconds(processes)
        try:
            sample = self.run(seconds)
        except LoadFailed as reason:
            self.fault = str(reason)
            return None
        requests = sample.rate * seconds
        if sample.errors > requests * ERRORS_SHARE_MAX:
            self.fault = f"{sample.errors} of {requests:,.0f} requests failed"
            return None
        if counted:
            self.samples.append(sample)
            self.cassandra_us.append((cpu.seconds(nodes) - cassandra) / requests * 1e6)
            self.ours_us.append((cpu.seconds(processes) - ours) / requests * 1e6)
        return sample

    def line(self, against: "Load | None" = None, target: Target | None = None) -> Line:
        """The medians, the ratio to another load, and processor time per request in the note."""
        if self.fault:
            return Line(GROUP, self.case, self.server, note=self.fault)
        other = None if against is None or against.fault else (against.server, against.samples)
        line = figures.line(GROUP, self.case, self.server, self.samples, other, target)
        spent = [("Cassandra", self.cassandra_us), ("StatorDB", self.ours_us if self.ours else [0.0])]
        told = ", ".join(f"{name} {median(us):,.0f}" for name, us in spent if median(us))
        notes = [line.note, _spread(self.samples, other[1]) if other else "", f"CPU us each: {told}" if told else ""]
        return replace(line, note=", ".join(note for note in notes if note))


def cassandra(bench: Bench) -> Iterator[Line]:
    """Consistent reads, puts, and puts with a stream, through one server and through two, beside the bare driver."""
    try:
        with ExitStack() as stack:
            hosts = bench.options.hosts or start_nodes(bench, stack)
            loads = prepare(bench, stack, hosts)
            nodes = [pid for host in hosts if (pid := cpu.listener(host, CQL_PORT)) is not None]
            for number in range(bench.options.rounds + 1):
                seconds = bench.options.seconds * (1 if number else WARM_FACTOR)
                for load in loads[:: -1 if number % 2 else 1]:  # whatever drifts is for and against each in turn
                    sample = load.take(seconds, nodes, counted=number > 0)
                    rate = "failed" if sample is None else f"{sample.rate:,.0f} req/s"
                    bench.say(f"round {number}: {load.case}, {load.server}: {rate}")
    except (Unavailable, LoadFailed) as reason:
        yield from missing_lines(GROUP, {ONE: str(reason)})
        return
    yield from lines(loads)


def lines(loads: Sequence[Load]) -> Iterator[Line]:
    """The table: one server beside the bare driver, two beside one."""
    base: Load | None = None
    for load in loads:
        if load.server == BARE:
            base = load
            yield load.line()
        elif load.server == ONE:
            one = load
            yield load.line(base, figures.CASSANDRA_TARGETS[load.case])
        else:
            yield load.line(one, figures.SECOND_SERVER_TARGET)


def prepare(bench: Bench, stack: ExitStack, hosts: Sequence[str]) -> list[Load]:
    """Two servers with their tables filled, and the bare driver with its own, all in one new keyspace."""
    keyspace = f"bench_{uuid.uuid4().hex[:12]}"
    datacenter = bench.options.datacenter
    bench.say(f"filling the bare driver's table on {', '.join(hosts)}")
    bare = stack.enter_context(Bare(hosts, datacenter, keyspace, ROWS))
    bench.say(f"starting {TWO}")
    first = bench.start(stack, servers.statordb_on_cassandra(ONE, hosts, datacenter, keyspace))
    second = bench.start(stack, servers.statordb_on_cassandra(TWO, hosts, datacenter, keyspace, first))
    for table, view in ((PLAIN, ""), (STREAMED, "NEW_AND_OLD_IMAGES")):
        bench.say(f"filling the table {table}")
        create_table(Client(first.host, bench.signer), table, view, servers.SCHEMA_SECONDS_MAX)
        fill(first, bench.signer, table, ROWS)
        verify(second, bench.signer, table, ROWS)

    def load(case: str, operation: str, table: str, *through: Running) -> Load:
        def run(seconds: int) -> Sample:
            return Wrk(seconds, changing=True).spread(through, bench.signer, operation, table, ROWS)

        return Load(case, through[-1].name, run, tuple(dict.fromkeys(through)))

    one, two = (first, first), (first, second)  # the same clients on one server, or on two
    return [
        Load("SELECT by key, LOCAL_QUORUM", BARE, bare.select),
        load(GET.name, GET.operation, PLAIN, *one),
        load(GET.name, GET.operation, PLAIN, *two),
        Load("UPDATE ... IF version = ?", BARE, bare.update),
        load(PUT.name, PUT.operation, PLAIN, *one),
        load(PUT.name, PUT.operation, PLAIN, *two),
        load(f"{PUT.name}, with a stream", PUT.operation, STREAMED, *one),
        load(f"{PUT.name}, with a stream", PUT.operation, STREAMED, *two),
    ]


def _spread(samples: Sequence[Sample], others: Sequence[Sample]) -> str:
    """How far the rounds' ratios lie apart: nodes, servers and load share the machine, so that none is like another."""
    ratios = [one.rate / other.rate for one, other in zip(samples, others, strict=True)]
    return f"{min(ratios):.2f} to {max(ratios):.2f} by round"


def start_nodes(bench: Bench, stack: ExitStack) -> tuple[str, ...]:
    """A new cluster of three nodes on this machine, removed with `stack`; their addresses."""
    bench.say("starting three nodes of Cassandra")
    directory = str(bench.options.work / "cluster")
    stack.callback(_cluster, "remove", directory)
    found = NODES.search(_cluster("start", directory))
    if found is None:
        raise Unavailable("the cluster did not say where it serves")
    return tuple(found[1].split(", "))


def _cluster(action: str, directory: str) -> str:
    command = [sys.executable, "-m", CLUSTER, action, "--directory", directory, "--network", NETWORK]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=CLUSTER_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"the cluster did not {action} in {CLUSTER_SECONDS_MAX} s") from None
    if ended.returncode:
        raise Unavailable(f"the cluster did not {action}: {(ended.stderr.strip().splitlines() or ['no output'])[-1]}")
    return ended.stdout
