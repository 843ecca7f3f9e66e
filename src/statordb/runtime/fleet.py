"""The instances of each function, and of all."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from statordb.runtime.instance import Instance, State
from statordb.runtime.output import LogFile
from statordb.runtime.watch import CodeWatch
from statordb.store.functions.catalog import FunctionRecord


class Fleet:
    """A function as it is now, its living instances, and how many invocations of it run.

    `ready`: those that can take an invocation at once, the one that was used last at the end.
    """

    def __init__(self, function: FunctionRecord, log: LogFile) -> None:
        self.function = function
        self.log = log
        self.watch = _watch(function)
        self.running = 0
        self.instances: set[Instance] = set()
        self.ready: list[Instance] = []

    def adopt(self, function: FunctionRecord) -> None:
        """Go over to what the caller knows, unless that is an older revision."""
        before = self.function
        if function.revision != before.revision:
            if function.modified_at < before.modified_at:
                return
            if function.code_directory != before.code_directory:
                self.watch = _watch(function)
            self.retire_all()
        self.function = function

    async def look(self) -> None:
        """See whether the code in a local directory has changed; if so, what runs it is of an older kind."""
        if self.watch is not None and await self.watch.changed():
            self.retire_all()

    def retire_all(self) -> None:
        """Let every instance finish what it does and end."""
        for instance in list(self.instances):
            instance.retire()

    def take_ready(self) -> Instance | None:
        """The one that was used last of those which can take an invocation at once."""
        while self.ready:
            instance = self.ready.pop()
            if instance.sandbox.lives:
                return instance
        return None

    def settling(self) -> Instance | None:
        """One that will be able to take an invocation in a moment."""
        for instance in self.instances:
            if instance.state is State.SETTLING and not instance.holds and not instance.retiring:
                return instance
        return None

    def forget(self, instance: Instance) -> None:
        self.instances.discard(instance)
        self.unready(instance)

    def unready(self, instance: Instance) -> None:
        if instance in self.ready:
            self.ready.remove(instance)

    @property
    def unused(self) -> bool:
        return not self.instances and not self.running


class Fleets:
    """The fleets of a pool; `logs`: the directory of the functions' logs."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._fleets: dict[tuple[str, str, str], Fleet] = {}

    def __iter__(self) -> Iterator[Fleet]:
        """A copy: fleets come and go meanwhile."""
        return iter(tuple(self._fleets.values()))

    def of(self, function: FunctionRecord) -> Fleet:
        """A function's fleet, which is made, or goes over to what the caller knows."""
        key = _key(function)
        fleet = self._fleets.get(key)
        if fleet is None:
            path = self._logs.joinpath(*(quote(part, safe="") for part in key[:2]), f"{function.name}.log")
            fleet = self._fleets[key] = Fleet(function, LogFile(path))
        elif fleet.function is not function:
            fleet.adopt(function)
        return fleet

    def owning(self, instance: Instance) -> Fleet:
        """The fleet that an instance is one of."""
        return self._fleets[_key(instance.function)]

    def instances(self) -> list[Instance]:
        return [instance for fleet in self._fleets.values() for instance in fleet.instances]

    def make_room(self, instances_max: int) -> None:
        """End the instance that has been idle longest, if there are as many as may be."""
        if sum(len(fleet.instances) for fleet in self._fleets.values()) >= instances_max:
            idle = [instance for fleet in self._fleets.values() for instance in fleet.ready]
            if idle:
                min(idle, key=lambda instance: instance.since).end()

    def drop_unused(self) -> None:
        for key, fleet in list(self._fleets.items()):
            if fleet.unused:
                fleet.log.close()
                del self._fleets[key]


def _key(function: FunctionRecord) -> tuple[str, str, str]:
    return function.account, function.region, function.name


def _watch(function: FunctionRecord) -> CodeWatch | None:
    return None if function.code_directory is None else CodeWatch(Path(function.code_directory))
