"""Functions: what is kept of each. Their deployment packages are rows too, in chunks.

A package is kept under an id of its own, made for the upload and never used again; the function's record names it. So a
package that no record names any more can be deleted at any time, whatever is uploaded meanwhile.
"""

import asyncio
import uuid
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from statordb.engine.contract import Effects, Engine, Key, PageBudget, Refused, Stored
from statordb.model.clock import Clock
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.rows import PAGE, all_rows, rows

LATEST = "$LATEST"  # the only version of a function that there is
CHUNK_BYTES = 512 * 1024
CHUNKS_AT_ONCE_MAX = 16  # of a package that is being written
PACKAGE_IDLE_SECONDS_MIN = 600.0  # how long a package stays that nobody names: it may just be coming, or be read

_CHUNKS = PageBudget(rows_max=32, bytes_max=16 << 20)
_PACKAGES = b"packages"  # partition that lists them all


@dataclass(frozen=True, slots=True)
class FunctionRecord(Record):
    """One function, always its version LATEST.

    `code_sha256`: base64 of the SHA-256 of its deployment package, as the API shows it. `code_directory`: the local
    directory that the code is run from; None where it is the package that the store keeps, under `code_id`. `revision`:
    another one after every change. Times in seconds since the epoch.
    """

    account: str
    region: str
    name: str
    runtime: str
    handler: str
    role: str
    code_sha256: str
    code_size: int
    revision: str
    modified_at: float
    code_directory: str | None = None
    description: str = ""
    timeout_seconds: int = 3
    memory_mb: int = 128
    environment: dict[str, str] = field(default_factory=dict)
    concurrency: int | None = None  # reserved; None: no bound of its own, 0: never runs
    tags: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)  # members that are kept and echoed as they were given
    code_id: str = ""

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"


@dataclass(frozen=True, slots=True)
class PackageRecord(Record):
    """The note of a stored package. `size` in bytes."""

    size: int


class Package(NamedTuple):
    """A stored deployment package: its id, the base64 of its SHA-256, its size in bytes."""

    id: str
    sha256: str
    size: int


class AccountUsage(NamedTuple):
    """What the functions of an account and region use: their number, bytes of their packages, reserved concurrency."""

    functions: int
    code_bytes: int
    reserved: int


class CodeMissing(Exception):
    """The package of a record is not there: the record is an old one, its function was changed since."""


Change = Callable[[FunctionRecord | None], FunctionRecord | Refused | None]
"""From a function's record as it is (None: no such function) to what it shall be (None: none). Pure."""


class Functions:
    """Finds, lists and alters functions, and keeps their code. Every record is read from the store each time."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._idle_since: dict[str, float] = {}  # packages that nobody names, and since when that is known

    async def find(self, account: str, region: str, name: str) -> FunctionRecord | None:
        stored = await self._engine.get(_key(account, region, name))
        return None if stored is None else load(stored.body)

    async def change(self, account: str, region: str, name: str, change: Change) -> FunctionRecord | Refused | None:
        """Create, alter or remove a function's record, atomically. Returns what `change` returned."""
        key = _key(account, region, name)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            changed = change(None if row is None else load(row.body))
            if isinstance(changed, Refused):
                return changed
            body = None if changed is None else dump(changed)
            return Effects(writes=((key, body),), outcome=changed)

        outcome = await contention.update(self._engine, (key,), plan)
        if isinstance(outcome, Effects):
            record: FunctionRecord | None = outcome.outcome
            return record
        assert isinstance(outcome, Refused)
        return outcome

    async def page(self, account: str, region: str, after: str | None, limit: int) -> tuple[list[FunctionRecord], bool]:
        """Functions in the order of their names behind `after`, at most `limit`, and whether there are more."""
        found: list[FunctionRecord] = []
        behind = None if after is None else after.encode()
        budget = PageBudget(min(limit + 1, PAGE.rows_max), PAGE.bytes_max)
        async for row in rows(self._engine, Space.FUNCTIONS, _partition(account, region), after=behind, budget=budget):
            if len(found) == limit:
                return found, True
            found.append(load(row.body))
        return found, False

    async def usage(self, account: str, region: str) -> AccountUsage:
        records = (await self.page(account, region, None, 1 << 30))[0]
        return AccountUsage(
            len(records),
            sum(record.code_size for record in records),
            sum(record.concurrency or 0 for record in records),
        )

    async def put_code(self, package: bytes) -> Package:
        """Keep a deployment package durably. It is swept away later unless a function's record comes to name it."""
        made = Package(uuid.uuid4().hex, await asyncio.to_thread(_fingerprint, package), len(package))
        note = _note(made.id)
        await self._put(((note, PACKAGE.dump(PackageRecord(made.size))),))  # first, so that no chunk is ever without it
        chunks = [package[start : start + CHUNK_BYTES] for start in range(0, len(package), CHUNK_BYTES)]
        for start in range(0, len(chunks), CHUNKS_AT_ONCE_MAX):
            several = enumerate(chunks[start : start + CHUNKS_AT_ONCE_MAX], start)
            await asyncio.gather(*(self._put(((_chunk(made.id, place), chunk),)) for place, chunk in several))
        return made

    async def code(self, record: FunctionRecord) -> bytes:
        """A function's deployment package. Raises CodeMissing."""
        found = rows(self._engine, Space.FUNCTION_CODE, record.code_id.encode(), budget=_CHUNKS)
        package = b"".join([row.body async for row in found])
        if not record.code_id or len(package) != record.code_size:
            raise CodeMissing(record.arn)
        return package

    async def sweep(self) -> None:
        """Delete the packages that nobody has named for a while. The keeper's."""
        named, packages = set[str](), dict[str, int]()
        async for row in all_rows(self._engine, Space.FUNCTIONS):
            if row.partition == _PACKAGES:
                packages[row.sort.decode()] = PACKAGE.load(row.body).size
            else:
                named.add(load(row.body).code_id)
        now = self._clock.now()
        self._idle_since = {name: self._idle_since.get(name, now) for name in packages if name not in named}
        for name, since in list(self._idle_since.items()):
            if now - since >= PACKAGE_IDLE_SECONDS_MIN:
                await self._delete_code(name, packages[name])
                del self._idle_since[name]

    async def _delete_code(self, name: str, size: int) -> None:
        """The note last, so that a crash between leaves no orphan."""
        count = -(-size // CHUNK_BYTES)
        for start in range(0, count, CHUNKS_AT_ONCE_MAX):
            places = range(start, min(start + CHUNKS_AT_ONCE_MAX, count))
            await self._put([(_chunk(name, place), None) for place in places])
        await self._put(((_note(name), None),))

    async def _put(self, writes: Sequence[tuple[Key, bytes | None]]) -> None:
        await contention.update(self._engine, [key for key, _ in writes], lambda stored: Effects(writes=writes))


def _fingerprint(package: bytes) -> str:
    return b64encode(sha256(package).digest()).decode()


def _partition(account: str, region: str) -> bytes:
    return f"functions/{account}/{region}".encode()


def _key(account: str, region: str, name: str) -> Key:
    return Key(Space.FUNCTIONS, _partition(account, region), name.encode())


def _note(package: str) -> Key:
    return Key(Space.FUNCTIONS, _PACKAGES, package.encode())


def _chunk(package: str, place: int) -> Key:
    return Key(Space.FUNCTION_CODE, package.encode(), place.to_bytes(4, "big"))


KIND = Kind(FunctionRecord)
dump, load = KIND.dump, KIND.load
PACKAGE = Kind(PackageRecord)
