"""What a new release makes of access keys of before there were users.

A key named a user whom nothing else told of, and could do all in its account. Each such user is made, and may still do
all: what it shall not may then be taken away.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from statordb.engine.contract import Engine, Refused
from statordb.store.access_keys import KIND, ROOT, KeyRecord
from statordb.store.identities.identities import SUMMARY, USER, Identities, access_key, named, owner, use
from statordb.store.identities.ids import USER_ID, new_id
from statordb.store.identities.records import NameRecord, SummaryRecord, UseRecord, UserRecord
from statordb.store.keyspace import Space
from statordb.store.rows import all_rows

ALL = "arn:aws:iam::aws:policy/AdministratorAccess"


async def give_users(engine: Engine, now: float, random: Callable[[int], bytes]) -> None:
    """Make the users of access keys that have none. `now`: seconds since the epoch, when they are made."""
    identities = Identities(engine)
    for row in [row async for row in all_rows(engine, Space.CREDENTIALS)]:
        key = KIND.load(row.body)
        if not _is_of_before(key):
            continue
        id = new_id(USER_ID, random)
        user = named(USER, key.user)
        wanted = (access_key(row.partition.decode()), user, owner(id), SUMMARY, use(ALL))
        await identities.change(key.account, wanted, _giving(key, row.partition.decode(), id, now))


def _is_of_before(key: KeyRecord | None) -> bool:
    return key is not None and key.user != ROOT and key.session is None and not key.owner


def _giving(key: KeyRecord, key_id: str, id: str, now: float) -> Callable[[list[Any]], Sequence[Any] | Refused]:
    def change(found: list[Any]) -> Sequence[Any] | Refused:
        row, user, name, summary, used = found
        if not _is_of_before(row):
            return Refused(None)
        if user is not None:
            keys = [*user.keys, key_id]
            return replace(row, owner=user.id), replace(user, keys=keys), name, summary, used
        made = UserRecord(key.account, key.user, id, "/", now, attached=[ALL], keys=[key_id])
        summary, used = summary or SummaryRecord(), used or UseRecord()
        return (
            replace(row, owner=id),
            made,
            NameRecord(USER, key.user),
            replace(summary, users=summary.users + 1),
            replace(used, attached=used.attached + 1),
        )

    return change
