"""The epoch: a number of the whole store, raised by whoever changed what others cache; and which updates of this
process go by which epoch."""

from collections.abc import Callable

from statordb.engine.cassandra.cql.session import SERIAL, Session, Unreachable

_SELECT = "SELECT value FROM meta WHERE name = 'epoch'"


class Epochs:
    """`current`: the epoch that this process has adopted."""

    def __init__(self, session: Session) -> None:
        self.current = 0
        self._session = session
        self._callbacks: list[Callable[[], None]] = []
        self._guarded: dict[int, int] = {}  # how many updates run, by the epoch they began under

    def on_change(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def begin(self) -> int:
        self._guarded[self.current] = self._guarded.get(self.current, 0) + 1
        return self.current

    def end(self, token: int) -> bool:
        """Whether that was the last update of an epoch that is over."""
        self._guarded[token] -= 1
        if self._guarded[token]:
            return False
        del self._guarded[token]
        return token != self.current

    @property
    def busy(self) -> bool:
        """Whether updates run that go by some epoch."""
        return bool(self._guarded)

    @property
    def settled(self) -> int:
        """The epoch that every running update goes by, or a later one."""
        return min(self._guarded, default=self.current)

    def adopt(self, epoch: int) -> bool:
        """Whether it is a new one."""
        if epoch <= self.current:
            return False
        self.current = epoch
        for callback in self._callbacks:
            callback()
        return True

    async def read(self, consistency: str) -> int:
        """The epoch of the store. Raises Unreachable."""
        value: int = (await self._session.rows(_SELECT, consistency=consistency))[0][0]
        return value

    async def raised(self) -> int:
        """An epoch of the store that was raised, by whomever, after this was called. Raises Unreachable."""
        old = await self.read(SERIAL)
        text = "UPDATE meta SET value = ? WHERE name = 'epoch' IF value = ?"
        while True:
            try:
                if await self._session.conditional([(text, (old + 1, old))]) is None:
                    return old + 1
            except Unreachable:
                pass  # whether that raised it is read now
            now = await self.read(SERIAL)
            if now > old:
                return now
