"""How far the archive of tables is behind, for /metrics, whichever server's keeper it is that ships."""

import asyncio
import logging

from statordb.store.archive.records import LIVE
from statordb.store.store import Store

LOOK_SECONDS = 5.0  # between two looks
LOOK_SECONDS_MAX = 3.0  # that one takes, of a store that answers late

log = logging.getLogger(__name__)


class ArchiveLag:
    """Reads the records of tracks when it is asked, and not too often."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._look_at = 0.0
        self._through: float | None = None

    async def seconds(self) -> float:
        """Of the table that is furthest behind; 0 where none is archived."""
        now = self._store.clock.now()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            try:
                tracks = await asyncio.wait_for(self._store.tracks.all(), LOOK_SECONDS_MAX)
            except Exception:
                log.warning("the archive's tracks could not be read", exc_info=True)
            else:
                self._through = min((track.through for track in tracks if track.phase == LIVE), default=None)
        return 0.0 if self._through is None else max(now - self._through, 0.0)
