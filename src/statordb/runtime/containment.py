"""What holds an instance together, and keeps it from others: a control group, a user of the system, or neither."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from statordb.model.invocation import NotRunnable
from statordb.runtime import cgroups, leftovers
from statordb.runtime.cgroups import Cgroups
from statordb.runtime.isolation import Isolation
from statordb.runtime.memory import MIB
from statordb.runtime.process import Confinement
from statordb.runtime.strays import Strays
from statordb.runtime.users import NoUserLeft
from statordb.store.functions.catalog import FunctionRecord


class Cell(NamedTuple):
    """What one instance gets before its process is there. `home`: its directory for temporary files."""

    account: str
    home: Path
    confinement: Confinement


class Containment:
    """Makes the cells of a pool. `isolation` None: functions run as the server's user. `strays`: where there are no
    control groups, ends what got away."""

    def __init__(
        self, groups: Cgroups | None = None, strays: Strays | None = None, isolation: Isolation | None = None
    ) -> None:
        self._groups = groups
        self.strays = strays
        self._isolation = isolation
        self._taken: Counter[str] = Counter()  # cells of each account

    def prepare(self, directories: Iterable[Path]) -> None:
        """Have those directories of the pool be passable that lead to what functions read and write."""
        if self._isolation is not None:
            self._isolation.open_ways(directories)

    def take(self, function: FunctionRecord, root: Path, homes: Path) -> Cell:
        """A cell for an instance with its code in `root`. Raises NotRunnable, OSError."""
        account, isolation = function.account, self._isolation
        user = None if isolation is None else self._user(isolation, account)
        home = leftovers.new_home(homes, user)
        try:
            group = None
            if self._groups is not None:
                group = self._groups.make(home.name, function.memory_mb * MIB)
            confinement = Confinement(group)
            if isolation is not None and user is not None:
                if function.code_directory is None:
                    isolation.give(root, user)
                confinement = Confinement(group, user, isolation.readable(root), isolation.writable(home))
        except BaseException:
            leftovers.clear(home, None)
            raise
        self._taken[account] += 1
        return Cell(account, home, confinement)

    def _user(self, isolation: Isolation, account: str) -> int:
        try:
            return isolation.user_of(account, {name for name, cells in self._taken.items() if cells})
        except NoUserLeft:
            raise NotRunnable(
                "Functions of more accounts run than the setting functions_users has users for."
            ) from None

    def give_back(self, cell: Cell) -> None:
        """Of an instance that never was, or of which nothing is left."""
        self._taken[cell.account] -= 1
        if not self._taken[cell.account]:
            del self._taken[cell.account]

    def undo(self, cell: Cell) -> None:
        """Take away what an instance that could not be started had. Blocks."""
        if cell.confinement.cgroup is not None:
            cgroups.end(cell.confinement.cgroup)
        leftovers.clear(cell.home, None)
        self.give_back(cell)

    def end_strays(self, marks: set[str]) -> None:
        """End what has got away from its instance. `marks`: names of the homes of those that live."""
        if self.strays is not None:
            self.strays.end(marks)
