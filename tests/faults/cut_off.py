"""Run in a network of its own (`unshare -n`): a node of three is cut off from the others, but not from who asks it.

    unshare -n python -m tests.faults.cut_off DIRECTORY

Prints which rack's nodes were asked: at first, during the cut once requests were served again, and after it was healed.
All nodes speak to each other from 127.0.0.1; so what they send to the first node's port is lost, and what that answers.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from tests.cassandra.cluster.cluster import Cluster
from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cql import schema
from statordb.engine.cassandra.cql.session import Contact, Session, Unreachable

STORAGE_PORT = 7000
CUT = (f"to 127.0.0.1 ipproto tcp dport {STORAGE_PORT}", f"from 127.0.0.1 ipproto tcp sport {STORAGE_PORT}")
STATEMENT = "UPDATE meta SET value = ? WHERE name = 'cut off' IF value = ?"


def ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def cut() -> None:
    ip("rule add pref 100 lookup local")
    ip("rule del pref 0")  # else it comes before all others
    for what in CUT:
        ip(f"rule add pref 10 {what} blackhole")


async def served(session: Session) -> bool:
    """Whether a conditional write and a read go through."""
    try:
        ((before,),) = await session.rows("SELECT value FROM meta WHERE name = 'cut off'")
        return await session.conditional([(STATEMENT, (before + 1, before))]) is None
    except Unreachable:
        return False


async def asked(session: Session, other_than: str) -> str:
    deadline = time.monotonic() + HANGS_SECONDS
    while not await served(session) or _rack(session) == other_than:
        assert time.monotonic() < deadline, "no other rack is asked"
        await asyncio.sleep(0.5)
    return _rack(session)


def _rack(session: Session) -> str:
    assert session._racks is not None
    return session._racks.asked


async def story(contact: Contact) -> None:
    racks = await schema.prepare(contact)
    session = await Session.connect(contact, contact.keyspace, racks)
    insert = "INSERT INTO meta (name, value) VALUES ('cut off', 1) IF NOT EXISTS"
    await session.conditional([(insert, ())])
    print(await asked(session, ""))
    cut()
    meanwhile = await asked(session, racks[0])
    print(meanwhile)
    for _ in CUT:
        ip("rule del pref 10")
    print(await asked(session, meanwhile))
    await session.close()


def main() -> None:
    ip("link set lo up")
    cluster = Cluster(Path(sys.argv[1]), quick=True)
    try:
        cluster.start()
        asyncio.run(story(Contact(cluster.hosts, datacenter=cluster.datacenter, keyspace="cut_off")))
    finally:
        cluster.remove()


if __name__ == "__main__":
    main()
