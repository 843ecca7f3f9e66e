"""The engine on a Cassandra cluster, as the settings describe it. Its driver is imported only when it is chosen."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from statordb.crypto.file_keys import FILE_NAME, FileKeys, KeyFileUnusable
from statordb.crypto.sealer import Sealer, Unsealable
from statordb.engine.contract import Effects, Engine, Key, Refused, Stale, Stored, StoreUnusable
from statordb.server.settings import BadStart, Settings
from statordb.store.keyspace import Space

if TYPE_CHECKING:
    from statordb.engine.cassandra.cql.session import Contact

DRIVER = "acsylla"
SEAL_KEY = Key(Space.SEAL, b"", b"")
SEAL_TEXT = b"the master keys of this store"
SEAL_CONTEXT = b"seal"


def contact_of(settings: Settings) -> "Contact":
    """How to reach the cluster. Raises BadStart: a file can't be read, or the driver is not installed."""
    if importlib.util.find_spec(DRIVER) is None:
        raise BadStart(
            'The driver of the engine cassandra is missing: install it with "pip install statordb[cassandra]".'
        )
    from statordb.engine.cassandra.cql.session import Contact

    return Contact(
        settings.cassandra.names,
        settings.cassandra.port,
        settings.datacenter,
        settings.keyspace,
        settings.cassandra_username,
        settings.cassandra_password,
        _pem("cassandra_ca", settings.cassandra_ca),
        _pem("cassandra_certificate", settings.cassandra_certificate),
        _pem("cassandra_key", settings.cassandra_key),
        settings.rack,
    )


async def prepare(settings: Settings) -> None:
    """Make the keyspace and its tables, or bring them to this release's format. Raises BadStart, StoreUnusable,
    FormatTooNew."""
    contact = contact_of(settings)
    from statordb.engine.cassandra.cql import schema

    await schema.prepare(contact)


async def open_engine(settings: Settings) -> Engine:
    """Raises BadStart, StoreUnusable, FormatTooNew."""
    contact = contact_of(settings)
    from statordb.engine.cassandra.cql.session import Unreachable
    from statordb.engine.cassandra.engine import CassandraEngine

    try:
        return await CassandraEngine.open(contact, table_pool=settings.table_pool)
    except Unreachable as fault:
        raise StoreUnusable(f"Cassandra does not answer well: {fault}") from None


async def check_seal(engine: Engine, directory: Path) -> None:
    """See that this server has the master keys that the store's secrets are sealed with.

    The first server on a store leaves a sealed note there; who can't open it has other keys. Raises BadStart.
    """
    sealer = Sealer(FileKeys(directory))
    try:
        found = await engine.get(SEAL_KEY)
        if found is None:
            found = await _leave_seal(engine, sealer.seal(SEAL_TEXT, SEAL_CONTEXT))
        elif not (directory / FILE_NAME).exists():  # it is not to be made: that would only be one more
            raise Unsealable("there is no key file")
        sealer.open(found.body, SEAL_CONTEXT)
    except KeyFileUnusable as error:
        raise BadStart(str(error.args[0])) from None
    except Unsealable:
        raise BadStart(
            f"The store's secrets are sealed with other keys than those of {directory / FILE_NAME}: "
            "copy that file from a server that runs on the store."
        ) from None


async def _leave_seal(engine: Engine, note: bytes) -> Stored:
    """Put the note unless one is there; the one that is there then."""

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        if stored[0] is not None:
            return Refused(stored[0])
        return Effects(writes=((SEAL_KEY, note),), outcome=Stored(note, 0))

    outcome = await engine.update((SEAL_KEY,), plan)
    assert not isinstance(outcome, Stale)
    found = outcome.reason if isinstance(outcome, Refused) else outcome.outcome
    assert isinstance(found, Stored)
    return found


def _pem(name: str, path: Path | None) -> str:
    if path is None:
        return ""
    try:
        text = path.read_text("ascii")
    except OSError as error:
        raise BadStart(f"The file {path} of {name} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        text = ""
    if "-----BEGIN " not in text:
        raise BadStart(f"The file {path} of {name} is not PEM text.")
    return text
