"""Tables for spaces, made ahead and all at once, so that no test waits until nodes agree on one of its own."""

from statordb.engine.cassandra.cql import altering, keys, schema
from statordb.engine.cassandra.cql.session import Contact, Session
from statordb.engine.cassandra.cql.spaces import Spaces


async def filled(contact: Contact, count: int) -> None:
    """Have a keyspace, with so many tables more that wait for spaces."""
    await schema.prepare(contact)
    session = await Session.connect(contact, contact.keyspace)
    try:
        spaces = Spaces(session, drop_log=_nothing, pool=0)
        numbers = [await spaces._take_number() for _ in range(count)]
        names = [f"{contact.keyspace}.{keys.table_of(keys.space_id(number, 0))}" for number in numbers]
        await altering.alter(session, [schema.create_rows_table(name) for name in names])
        insert = "INSERT INTO spaces (part, number, state) VALUES (0, ?, 'ready') IF NOT EXISTS"
        for number in numbers:
            await session.conditional([(insert, (number,))])
    finally:
        await session.close()


async def _nothing(space: int) -> None:
    """No test has logged anything yet."""
