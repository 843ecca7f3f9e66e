"""What tells of a whole store in objects: plain data.

whole/moments/ID             the manifest of a moment: MomentRecord. It is written last
whole/ID/system-000000       rows of one space of the store's own, in a chunk (`archive/chunks.py`)
whole/ID/table-000000-000000 rows of a table, by its number in the manifest
whole/archive/ID/system-...  the same of the archive, whose moments name objects of earlier ones, where nothing has
                             changed; the items of its tables are what tracks have at the moment's cut
"""

from dataclasses import dataclass, field

from statordb.store.record import Kind, Record

MOMENTS = "whole/moments/"


@dataclass(frozen=True, slots=True)
class ChunkRecord(Record):
    """One object. `digest`: SHA-256 of its content, as hexadecimal digits; `size`: bytes before they were packed."""

    name: str
    digest: str
    size: int
    entries: int


@dataclass(frozen=True, slots=True)
class SystemRecord(Record):
    """The rows of a space of the store's own."""

    space: int
    chunks: list[ChunkRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ItemsRecord(Record):
    """The items of a table, which is told of by its row in the catalog. `missing`: why they are not there. `track`: the
    id of what the archive has of it, "" where the items are in chunks; `next`, `digest`, `upto`, `through`: how far
    that was (`store/archive/records.py`)."""

    account: str
    region: str
    table: str
    space: int
    chunks: list[ChunkRecord] = field(default_factory=list)
    missing: str = ""
    track: str = ""
    next: int = 0
    digest: str = ""
    upto: int = 0
    through: float = 0.0

    @property
    def scope(self) -> tuple[str, str, str]:
        return self.account, self.region, self.table

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{self.table}"


@dataclass(frozen=True, slots=True)
class MomentRecord(Record):
    """A store as it was at one moment. `at`: in seconds since the epoch. `engine`, `release`: what it was of.
    `formats`: the number of the formats of its records. `ring`: its keys, as it keeps them, wrapped by a root key.
    `archived`: whether it is the archive's, and of its tracks then `cut`: the sequence that is the moment; `step`:
    `Traits.change_step` of the engine; `through`: all that was acknowledged until then is part of it."""

    id: str
    at: float
    engine: str
    release: str
    formats: int
    ring: str
    system: list[SystemRecord] = field(default_factory=list)
    tables: list[ItemsRecord] = field(default_factory=list)
    archived: bool = False
    cut: int = 0
    step: int = 0
    through: float = 0.0

    @property
    def name(self) -> str:
        """Of its manifest."""
        return f"{MOMENTS}{self.id}"

    @property
    def chunks(self) -> list[ChunkRecord]:
        """Every object that it needs."""
        own = [chunk for part in self.system for chunk in part.chunks]
        return own + [chunk for items in self.tables for chunk in items.chunks]


MOMENT = Kind(MomentRecord)
