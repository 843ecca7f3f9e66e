"""An account's identities in the store. All rows of an account lie in one partition, so that any of them are changed
together; their access keys lie elsewhere, and are changed with them all the same.

Every change is announced as one of keys is: who has looked up a key looks it up again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Refused, Stored
from statordb.store import access_keys, contention, news
from statordb.store.identities import aws_policies, records
from statordb.store.identities.records import PolicyRecord, UserRecord
from statordb.store.keyspace import Space, prefix_end
from statordb.store.record import Kind
from statordb.store.rows import PAGE, rows

USER, GROUP, ROLE, POLICY = "user", "group", "role", "policy"
_USE, _ID, _MEMBER, _SUMMARY, _ACCESS_KEY = "use", "id", "member", "summary", "key"

_KINDS: dict[str, Kind[Any]] = {
    USER: records.USER,
    GROUP: records.GROUP,
    ROLE: records.ROLE,
    POLICY: records.POLICY,
    _USE: records.USE,
    _ID: records.NAME,
    _MEMBER: records.MEMBER,
    _SUMMARY: records.SUMMARY,
    _ACCESS_KEY: access_keys.KIND,
}
READ_AT_ONCE_MAX = 100  # rows


class Row(NamedTuple):
    """A row of an account: what it is of, and what for."""

    sort: str
    name: str


def named(sort: str, name: str) -> Row:
    """The row of a user, group, role or policy: names that differ in case only are the same."""
    return Row(sort, name.lower())


def use(policy_arn: str) -> Row:
    return Row(_USE, policy_arn.lower())


def owner(id: str) -> Row:
    return Row(_ID, id)


def member(group_id: str, user_id: str) -> Row:
    return Row(_MEMBER, f"{group_id}/{user_id}")


def access_key(id: str) -> Row:
    return Row(_ACCESS_KEY, id)


SUMMARY = Row(_SUMMARY, "")

Change = Callable[[list[Any]], Sequence[Any] | Refused]
"""From the records of some rows (None: no such row) to what they shall be, in their order, or a refusal. What is the
same object as before is not written. Pure."""


class Identities:
    """Finds, lists and changes. Every record is read from the store each time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, account: str, *wanted: Row) -> list[Any]:
        """The records of some rows, in their order, as they are at one instant. Raises Conflict."""
        stored = await self._engine.read([_key(account, row) for row in wanted])
        return [_load(row, found) for row, found in zip(wanted, stored, strict=True)]

    async def one(self, account: str, row: Row) -> Any:
        """The record of a row, None if there is none."""
        return _load(row, await self._engine.get(_key(account, row)))

    async def by_ids(self, account: str, ids: Sequence[str]) -> list[Any]:
        """The users, groups or roles of some ids, but for those that are no more."""
        found: list[Any] = []
        for start in range(0, len(ids), READ_AT_ONCE_MAX):
            if start:
                await asyncio.sleep(0)  # a group may have thousands of users
            some = ids[start : start + READ_AT_ONCE_MAX]
            names = await self.find(account, *map(owner, some))
            rows_of = [named(name.sort, name.name) for name in names if name is not None]
            if rows_of:
                found += await self.find(account, *rows_of)
        wanted = set(ids)
        return [record for record in found if record is not None and record.id in wanted]

    async def page(self, account: str, sort: str, after: str | None, limit: int) -> list[Any]:
        """Records of users, groups, roles or policies in the order of their names, behind one, at most `limit`."""
        found: list[Any] = []
        async for _, record in self._below(account, f"{sort}/", after, limit):
            found.append(record)
            if len(found) == limit:
                break
        return found

    async def every(self, account: str, sort: str) -> AsyncIterator[Any]:
        """All records of users, groups, roles or policies of an account, in the order of their names."""
        async for _, record in self._below(account, f"{sort}/", None, PAGE.rows_max):
            yield record

    async def members(self, account: str, group_id: str) -> list[UserRecord]:
        """The users of a group, in the order of their ids."""
        ids = [found.user async for _, found in self._below(account, f"{_MEMBER}/{group_id}/", None, PAGE.rows_max)]
        return await self.by_ids(account, ids)

    async def policy(self, account: str, arn: str) -> PolicyRecord | None:
        """The managed policy of an ARN that an account may use: its own, or AWS's."""
        own = aws_policies.find(arn)
        if own is not None:
            return own
        name = arn.rpartition("/")[2]
        found: PolicyRecord | None = await self.one(account, named(POLICY, name))
        return found if found is not None and found.arn.lower() == arn.lower() else None

    async def change(self, account: str, wanted: Sequence[Row], change: Change) -> Sequence[Any] | Refused:
        """Change some rows together, atomically. Returns what `change` returned."""
        keys = [_key(account, row) for row in wanted]

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            before = [_load(row, found) for row, found in zip(wanted, stored, strict=True)]
            after = change(before)
            if isinstance(after, Refused):
                return after
            writes = [
                (key, None if new is None else _KINDS[row.sort].dump(new))
                for key, row, old, new in zip(keys, wanted, before, after, strict=True)
                if new is not old
            ]
            names = [f"{news.KEY}{account}"] if writes else ()
            return Effects(writes=writes, announce=names, outcome=after)

        outcome = await contention.update(self._engine, keys, plan)
        if isinstance(outcome, Refused):
            return outcome
        changed: Sequence[Any] = outcome.outcome
        return changed

    async def _below(self, account: str, prefix: str, after: str | None, limit: int) -> AsyncIterator[tuple[str, Any]]:
        sort = prefix.partition("/")[0]
        lower = prefix.encode()
        behind = None if after is None else lower + after.lower().encode()
        budget = PageBudget(min(limit, PAGE.rows_max), PAGE.bytes_max)
        bounds = Bounds(lower, prefix_end(lower))
        async for row in rows(self._engine, Space.IDENTITIES, account.encode(), bounds, behind, budget):
            yield row.sort[len(lower) :].decode(), _KINDS[sort].load(row.body)


def _key(account: str, row: Row) -> Key:
    if row.sort == _ACCESS_KEY:
        return Key(Space.CREDENTIALS, row.name.encode(), b"")
    return Key(Space.IDENTITIES, account.encode(), f"{row.sort}/{row.name}".encode())


def _load(row: Row, stored: Stored | None) -> Any:
    return None if stored is None else _KINDS[row.sort].load(stored.body)
