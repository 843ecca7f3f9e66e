"""Many changes of the schema at once, by way of one node.

After each of them the driver waits until all nodes have it, which they tell each other of once a second. One node takes
them one after the other and sends each on at once, so the wait is one, for the last. Where several processes make the
same tables, all ask the same node: two nodes would give a table two ids, and never agree again.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import acsylla
from acsylla import errors

from statordb.engine.cassandra.cql import session as sessions
from statordb.engine.cassandra.cql.session import Session, open_driver, refused_or_unreachable
from statordb.engine.contract import StoreUnusable

CONNECT_SECONDS = 5.0  # how long a node is waited for before another one is asked
LOOK_SECONDS = 0.1  # between two looks whether the nodes agree


async def alter(session: Session, texts: Sequence[str]) -> None:
    """Carry out statements that name their keyspace, in this order; returns when the nodes agree, or
    `AGREEMENT_SECONDS` later. Raises Unreachable: some may have been carried out."""
    if not texts:
        return
    driver = await _one_node(session)
    if driver is None:  # the nodes are known to clients by other addresses than to each other
        for text in texts:
            await session.schema(text)
        return
    try:
        for text in texts:
            await driver.execute(acsylla.create_statement(text, timeout=sessions.SCHEMA_SECONDS))
        deadline = time.monotonic() + sessions.AGREEMENT_SECONDS
        while len(await _versions(driver)) > 1 and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
    except errors.CassException as fault:
        raise refused_or_unreachable(fault) from None
    finally:
        await driver.close()


async def _one_node(session: Session) -> Any:
    """A session of the driver that speaks to the first node of the datacenter that answers; None if none does."""
    contact = session.contact
    here = await session.rows("SELECT data_center, rpc_address FROM system.local", consistency="ONE")
    others = await session.rows("SELECT data_center, native_address FROM system.peers_v2", consistency="ONE")
    for address in sorted({str(address) for center, address in (*here, *others) if center == contact.datacenter}):
        try:
            return await open_driver(
                contact,
                [address],
                whitelist_hosts=address,
                load_balance_round_robin=True,
                connect_timeout=CONNECT_SECONDS,
            )
        except StoreUnusable:
            continue
    return None


async def _versions(driver: Any) -> set[object]:
    """The versions of the schema that a node knows its own and the others' to be."""
    found: set[object] = set()
    for table in ("local", "peers_v2"):
        rows = await driver.execute(acsylla.create_statement(f"SELECT schema_version FROM system.{table}"))
        found.update(row.as_tuple()[0] for row in rows)
    return found
