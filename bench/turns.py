"""Servers side by side, loaded in turns: A B A B ... for a number of rounds."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import servers
from cases import USERS
from figures import Line
from load import Client, LoadFailed, Sample, Wrk, create_table, fill, verify
from peers import SOURCES, Peer
from servers import Launch, Running, Unavailable

TABLE = "bench"


@dataclass(frozen=True)
class Options:
    """How much is measured: rounds, seconds of one run of wrk, items of the large table and the time to fill it.

    `hosts`, `datacenter`: the Cassandra cluster that is there already; without hosts, one is started where needed.
    """

    rounds: int
    seconds: int
    tools: Path
    work: Path
    install: bool
    large_items: int
    fill_seconds_max: int
    hosts: tuple[str, ...] = ()
    datacenter: str = "dc1"
    beside: str = ""  # what the names of the heavy requests have in them that are tried


@dataclass(frozen=True)
class Turn:
    """One load: a server, the operation it is asked for, the table and how many users it holds."""

    server: Running
    operation: str
    table: str = TABLE
    users: int = USERS

    @property
    def label(self) -> str:
        """What the load is called in a fault."""
        return f"{self.server.name}, {self.operation}"


class Outcome:
    """The samples of each turn, and why a turn was given up."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._samples: dict[Turn, list[Sample]] = {turn: [] for turn in turns}
        self._faults: dict[Turn, str] = {}

    def add(self, turn: Turn, sample: Sample) -> None:
        """Keep a round's sample."""
        self._samples[turn].append(sample)

    def give_up(self, turn: Turn, reason: str) -> None:
        """Drop the turn and its samples: a ratio needs every round of both sides."""
        del self._samples[turn]
        self._faults[turn] = reason

    def is_open(self, turn: Turn) -> bool:
        """Whether the turn has not been given up."""
        return turn in self._samples

    def of(self, server: str, operation: str, table: str = TABLE) -> list[Sample] | None:
        """The samples of a server, by its name; None where there are none."""
        for turn, samples in self._samples.items():
            if (turn.server.name, turn.operation, turn.table) == (server, operation, table):
                return samples
        return None

    def faults(self, group: str) -> Iterator[Line]:
        """A line for each turn that was given up."""
        for turn, reason in self._faults.items():
            yield Line(group, "failed", turn.label, note=reason)


class Bench:
    """What all comparisons share: the options, the key, the peers, and a place to say how far things are."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self.options = options
        self.say = say
        self.signer = servers.signer()
        self._started = 0
        self._peers: list[Peer] = []
        self._missing: dict[str, str] | None = None

    def start(self, stack: ExitStack, launch: Launch) -> Running:
        """A started server, ended with `stack`."""
        self._started += 1
        return stack.enter_context(Running(launch, self.options.work / f"server-{self._started}"))

    def start_filled(self, stack: ExitStack, launch: Launch) -> Running:
        """A started server that holds the benchmark's table."""
        self.say(f"starting {launch.name}")
        running = self.start(stack, launch)
        if running.speaks_api:
            create_table(Client(running.host, self.signer), TABLE)
        fill(running, self.signer, TABLE, USERS)
        verify(running, self.signer, TABLE, USERS)
        return running

    def start_those_that_can(
        self, stack: ExitStack, launches: Sequence[Launch], missing: dict[str, str]
    ) -> list[Running]:
        """The servers that start and take the table; `missing` learns of each other one why not."""
        running = []
        for launch in launches:
            try:
                running.append(self.start_filled(stack, launch))
            except (Unavailable, LoadFailed) as reason:
                missing[launch.name] = str(reason)
        return running

    def peers(self) -> tuple[list[Peer], dict[str, str]]:
        """The peers that could be had; and of each other one why not."""
        if self._missing is None:
            self._missing = {}
            for source in SOURCES:
                try:
                    self._peers.append(source.get(self.options.tools, self.options.install))
                except Unavailable as reason:
                    self._missing[source.name] = str(reason)
        return self._peers, dict(self._missing)

    def take(self, wrk: Wrk, turns: Sequence[Turn]) -> Outcome:
        """Load every turn once a round. Round 0 warms up (a Java server needs it most) and is not counted."""
        outcome = Outcome(turns)
        for number in range(self.options.rounds + 1):
            for turn in turns:
                if not outcome.is_open(turn):
                    continue
                try:
                    sample = wrk.run(turn.server, self.signer, turn.operation, turn.table, turn.users)
                except LoadFailed as reason:
                    outcome.give_up(turn, str(reason))
                    continue
                if number:
                    outcome.add(turn, sample)
                self.say(f"round {number}: {turn.server.name}, {turn.operation} {turn.table}: {sample.rate:,.0f} req/s")
        return outcome


def missing_lines(group: str, missing: dict[str, str]) -> Iterator[Line]:
    """A line for each server that could not take part."""
    for name, reason in missing.items():
        yield Line(group, "all", name, note=reason)
