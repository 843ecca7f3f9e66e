"""What the nodes of a Cassandra cluster tell of themselves, each asked by a connection of its own."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import acsylla

from statordb.engine.cassandra.cql.session import Contact, open_driver
from statordb.engine.cassandra.cql.skew import Skew, measured
from statordb.engine.contract import StoreUnusable

CONNECT_SECONDS = 5.0

_LOCAL = "SELECT data_center, rack, release_version, schema_version, partitioner FROM system.local"
_PEERS = "SELECT native_address, data_center FROM system.peers_v2"
_SETTINGS = "SELECT name, value FROM system_views.settings"
_KEYSPACES = "SELECT keyspace_name, replication FROM system_schema.keyspaces"


class Node(NamedTuple):
    """A node that answered. `settings` None: it shows none."""

    address: str
    datacenter: str
    rack: str
    release: str
    schema: str
    partitioner: str
    skew: Skew
    settings: Mapping[str, str | None] | None
    peers: Mapping[str, str]  # the address of each other node it knows, and its datacenter
    keyspaces: Mapping[str, Mapping[str, str]]  # replication


class Facts(NamedTuple):
    """Of a whole cluster: the nodes that answered, and of those that did not, why."""

    nodes: Sequence[Node]
    silent: Mapping[str, str]


async def gather(contact: Contact) -> Facts:
    """Ask the nodes of the contact, and all others of its datacenter that they know."""
    nodes: list[Node] = []
    silent: dict[str, str] = {}
    asked: set[str] = set()
    wanted: set[str] = set()
    for name in contact.hosts:
        try:
            wanted.add(await _address(name, contact.port))
        except OSError as fault:
            silent[name] = fault.strerror or str(fault)
    while wanted:
        answers = await asyncio.gather(*(_ask(contact, address) for address in sorted(wanted)))
        nodes += (answer for answer in answers if isinstance(answer, Node))
        silent.update(
            (address, fault) for address, fault in zip(sorted(wanted), answers, strict=True) if isinstance(fault, str)
        )
        asked |= wanted
        known = {peer for node in nodes for peer, place in node.peers.items() if place == contact.datacenter}
        wanted = known - asked
    return Facts(nodes, silent)


async def _address(name: str, port: int) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return str(found[0][4][0])


async def _ask(contact: Contact, address: str) -> Node | str:
    """What one node tells, or why it does not."""
    try:
        session = await _connect(contact, address)
    except StoreUnusable as fault:
        return str(fault)
    try:
        (local,) = await _rows(session, _LOCAL)
        datacenter, rack, release, schema, partitioner = map(str, local)
        peers = {str(peer): str(place) for peer, place in await _rows(session, _PEERS) if peer is not None}
        keyspaces = {name: dict(replication) for name, replication in await _rows(session, _KEYSPACES)}
        skew = await measured(lambda text: _rows(session, text))
        settings = await _settings(session)
        return Node(address, datacenter, rack, release, schema, partitioner, skew, settings, peers, keyspaces)
    except acsylla.errors.CassException as fault:
        return str(fault)
    finally:
        await session.close()


async def _connect(contact: Contact, address: str) -> Any:
    """A session that speaks to one node only."""
    return await open_driver(
        contact,
        [address],
        whitelist_hosts=address,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=CONNECT_SECONDS,
        load_balance_round_robin=True,
    )


async def _rows(session: Any, text: str) -> list[tuple[Any, ...]]:
    return [row.as_tuple() for row in await session.execute(acsylla.create_statement(text))]


async def _settings(session: Any) -> dict[str, str | None] | None:
    try:
        return dict(await _rows(session, _SETTINGS))
    except (acsylla.errors.CassErrorServerInvalidQuery, acsylla.errors.CassErrorServerUnauthorized):
        return None  # a server that speaks the language but shows its settings elsewhere, or not to this user
