"""The instances of one function."""

from pathlib import Path

from statordb.runtime.instance import Instance, State
from statordb.runtime.logs import LogFile
from statordb.runtime.watch import Watch
from statordb.store.functions import FunctionRecord


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
            if instance.lives:
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


def _watch(function: FunctionRecord) -> Watch | None:
    return None if function.code_directory is None else Watch(Path(function.code_directory))
