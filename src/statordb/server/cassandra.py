"""The engine on a Cassandra cluster, as the settings describe it. Its driver is imported only when it is chosen."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from statordb.engine.contract import Engine, StoreUnusable
from statordb.engine.rewriting import Rewrite
from statordb.server.settings import BadStart, Settings
from statordb.store.keyspace import Space

if TYPE_CHECKING:
    from statordb.engine.cassandra.cql.session import Contact

DRIVER = "acsylla"


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


async def prepare(settings: Settings, rewrite: Rewrite) -> None:
    """Make the keyspace and its tables, or bring them to this release's format; `rewrite`: what seals rows that are not
    sealed yet. Raises BadStart, StoreUnusable,
    FormatTooNew."""
    contact = contact_of(settings)
    from statordb.engine.cassandra.cql import schema
    from statordb.engine.cassandra.owed.rewriting import rewrite_store

    await schema.prepare(contact, may_be_open=True)
    await rewrite_store(contact, rewrite, (Space.SEAL, Space.CATALOG))


async def open_engine(settings: Settings) -> Engine:
    """Raises BadStart, StoreUnusable, FormatTooNew."""
    contact = contact_of(settings)
    from statordb.engine.cassandra.cql.session import Unreachable
    from statordb.engine.cassandra.engine import CassandraEngine

    try:
        return await CassandraEngine.open(contact, table_pool=settings.table_pool)
    except Unreachable as fault:
        raise StoreUnusable(f"Cassandra does not answer well: {fault}") from None


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
