"""Keeps the roster's count of a worker's connections."""

from typing import Any

from statordb.server.roster import Roster
from statordb.wire.context import Peer, WireContext


class CountingContext(WireContext):
    """A wire context whose connections are counted where the other workers see them."""

    def __init__(self, roster: Roster, slot: int, *parts: Any, **named: Any) -> None:
        super().__init__(*parts, **named)
        self._roster = roster
        self._slot = slot

    def joined(self, connection: Peer) -> None:
        super().joined(connection)
        self._roster.set_connections(self._slot, len(self.connections))

    def left(self, connection: Peer) -> None:
        super().left(connection)
        self._roster.set_connections(self._slot, len(self.connections))
