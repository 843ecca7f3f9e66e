"""Write transactions: all or nothing, over tables, and once for each token."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.store.engines import Held
from tests.store.kit import Kit

from statordb.engine.contract import Effects, Key, Refused
from statordb.model.limits import TRANSACT_BYTES_MAX
from statordb.model.values import Item, check_item
from statordb.store import transactions
from statordb.store.image import Image
from statordb.store.keyspace import Space
from statordb.store.table import Apply, Table
from statordb.store.transactions import (
    CONFLICTED,
    SNAPSHOT_LOOKS,
    SUCCEEDED,
    Action,
    InProgress,
    Replayed,
    Token,
    TokenReused,
    token_expired,
)

Outcome = Any
KEY: Item = {"p": {"S": "a"}}
KEY_SCHEMA = [{"AttributeName": "p", "KeyType": "HASH"}]


def item(key: str, **more: Any) -> Item:
    return {"p": {"S": key}, **more}


def put(table: Table, new: Item) -> Action:
    image = Image.of(new, check_item(new))
    return Action(table, table.primary.key(new), lambda old: image, False)


def act(table: Table, key: str, apply: Apply, check_only: bool = False) -> Action:
    return Action(table, table.primary.key(item(key)), apply, check_only)


def refusal(reason: Any) -> Apply:
    return lambda old: Refused(reason)


def write(kit: Kit, actions: Sequence[Action], token: Token | None = None) -> Outcome:
    return kit.run(transactions.write(kit.engine, actions, token))


async def no_pause(size: int) -> None:
    """Nobody else has anything to do."""


def stored(kit: Kit, table: Table) -> dict[str, Item]:
    images = [Image(row.body) for row in kit.rows(table.space)]
    return {image.item["p"]["S"]: image.item for image in images}


def test_all_actions_are_done_together_over_tables(kit: Kit) -> None:
    one, two = kit.made(kit.record("one", "pS")), kit.made(kit.record("two", "pS"))
    one = kit.find("one")
    kit.put(one, item("gone"))
    done = write(kit, [put(one, item("a")), put(two, item("a", x={"N": "1"})), act(one, "gone", lambda old: None)])
    assert [(written.old is not None, written.new is not None) for written in done] == [
        (False, True),
        (False, True),
        (True, False),
    ]
    assert stored(kit, one) == {"a": item("a")}
    assert stored(kit, two) == {"a": item("a", x={"N": "1"})}
    assert kit.run(one.usage()) == (1, 2)
    assert kit.run(two.usage()) == (1, 2 + 3)


def test_one_refusal_cancels_all_and_every_reason_is_told(kit: Kit) -> None:
    table = kit.made(kit.record("abc", "pS"))
    actions = [
        put(table, item("a")),
        act(table, "b", refusal({"Code": "first"})),
        put(table, item("c")),
        act(table, "d", refusal({"Code": "second"})),
    ]
    outcome = write(kit, actions)
    none = {"Code": "None"}
    assert isinstance(outcome, Refused)
    assert outcome.reason.reasons == [none, {"Code": "first"}, none, {"Code": "second"}]
    assert outcome.reason.sizes == [2, 0, 2, 0]
    assert stored(kit, table) == {}
    assert kit.run(table.usage()) == (0, 0)


def test_a_check_writes_nothing(kit: Kit) -> None:
    table = kit.made(kit.record("abc", "pS"))
    kit.put(table, item("a"))
    before = kit.run(kit.engine.read((table.primary.key(item("a")),)))
    write(kit, [act(table, "a", lambda old: old, check_only=True), put(table, item("b"))])
    assert kit.run(kit.engine.read((table.primary.key(item("a")),))) == before
    assert sorted(stored(kit, table)) == ["a", "b"]


def test_a_transaction_by_an_old_schema_is_done_by_the_new_one(kit: Kit) -> None:
    old, other = kit.made(kit.record("abc", "pS")), kit.made(kit.record("other", "pS"))
    index = kit.index("ggg", "p")
    kit.put_record(replace(old.record, indexes=[index]))
    write(kit, [put(old, item("a")), put(other, item("a"))])
    assert len(kit.rows(index.space)) == 1


def token(kit: Kit, digest: str = "d", name: str = "t") -> Token:
    return Token.of("000000000000", "us-east-1", name, digest, kit.clock.now(), ())


def test_a_request_with_a_known_token_is_not_done_again(kit: Kit) -> None:
    table = kit.made(kit.record("abc", "pS"))
    times: list[int] = []

    def count(old: Image | None) -> Image:
        times.append(1)
        new = item("a", n={"N": str(1 + int(old.item["n"]["N"]) if old else 1)})
        return Image.of(new, check_item(new))

    actions = [act(table, "a", count), act(table, "b", lambda old: None)]
    write(kit, actions, token(kit))
    called = len(times)
    for seconds in (0, 300, 299.9):
        kit.clock.advance(seconds)
        assert write(kit, actions, token(kit)) == Replayed([2 + 1 + 2, 0])  # sizes then
    assert len(times) == called
    assert stored(kit, table)["a"]["n"] == {"N": "1"}
    kit.clock.advance(0.1)  # ten minutes are over
    assert not isinstance(write(kit, actions, token(kit)), Replayed)
    assert stored(kit, table)["a"]["n"] == {"N": "2"}


def test_a_token_belongs_to_one_request(kit: Kit) -> None:
    table = kit.made(kit.record("abc", "pS"))
    write(kit, [put(table, item("a"))], token(kit, "one"))
    assert write(kit, [put(table, item("b"))], token(kit, "two")) == Refused(TokenReused())
    assert sorted(stored(kit, table)) == ["a"]
    kit.clock.advance(600)
    write(kit, [put(table, item("b"))], token(kit, "two"))
    assert sorted(stored(kit, table)) == ["a", "b"]


@pytest.mark.parametrize("scope", [("111111111111", "us-east-1"), ("000000000000", "eu-west-1")])
def test_tokens_of_other_accounts_and_regions_are_others(kit: Kit, scope: tuple[str, str]) -> None:
    table = kit.made(kit.record("abc", "pS"))
    write(kit, [put(table, item("a"))], token(kit, "one"))
    other = Token.of(*scope, "t", "two", kit.clock.now(), ())
    assert not isinstance(write(kit, [put(table, item("b"))], other), Refused)


def test_a_cancelled_transaction_leaves_its_token_free(kit: Kit) -> None:
    """A client may send it again when the reason is gone."""
    table = kit.made(kit.record("abc", "pS"))
    assert isinstance(write(kit, [act(table, "a", refusal({"Code": "no"}))], token(kit)), Refused)
    assert kit.rows(Space.TOKENS) == []
    assert not isinstance(write(kit, [put(table, item("a"))], token(kit)), (Refused, Replayed))


def test_a_token_may_be_forgotten_when_it_has_expired(kit: Kit) -> None:
    table = kit.made(kit.record("abc", "pS"))
    write(kit, [put(table, item("a"))], token(kit))
    (row,) = kit.rows(Space.TOKENS)
    assert not token_expired(row.body, kit.clock.now() + 599.9)
    assert token_expired(row.body, kit.clock.now() + 600)


def test_reads_are_of_one_snapshot_in_order(kit: Kit) -> None:
    one, two = kit.made(kit.record("one", "pS")), kit.made(kit.record("two", "pS"))
    one = kit.find("one")
    kit.put(one, item("a"))
    kit.put(two, item("b"))
    keys = [two.primary.key(item("b")), one.primary.key(item("b")), one.primary.key(item("a"))]
    images = kit.run(transactions.read(kit.engine, keys, no_pause))
    assert [image and image.item for image in images] == [item("b"), None, item("a")]


@pytest.mark.parametrize("writes", [0, 1, 1000])
def test_large_items_are_read_one_by_one_and_are_of_one_snapshot_all_the_same(kit: Kit, writes: int) -> None:
    """However often both of them are written together meanwhile."""
    table = kit.made(kit.record("abc", "pS"))
    left, pauses = writes, []

    async def put_both(generation: int) -> None:
        both = [put(table, item(key, n={"N": str(generation)}, v={"S": "x" * 100_000})) for key in "abc"]
        await transactions.write(kit.engine, both, None)

    async def pause(size: int) -> None:
        nonlocal left
        pauses.append(size)
        if left:
            left -= 1
            await put_both(left + 1)

    kit.run(put_both(0))
    keys = [table.primary.key(item(key)) for key in "abc"]
    images = kit.run(transactions.read(kit.engine, keys, pause))
    assert isinstance(images, list)
    generations = {image.item["n"]["N"] for image in images if image is not None}
    assert len(generations) == 1
    assert all(len(image.body) > 100_000 for image in images if image is not None)
    assert len(pauses) == 2 * min(writes + 1, SNAPSHOT_LOOKS), "the first one is read with the heads of the others"


def test_of_too_large_a_transaction_only_sizes_are_read(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty megabytes would be copied to be refused."""
    table = kit.made(kit.record("abc", "pS"))
    names = [str(number) for number in range(12)]
    for name in names:
        kit.put(table, item(name, v={"S": "x" * 390_000}))
    monkeypatch.setattr(kit.engine, "get", None)  # would read whole rows
    keys = [table.primary.key(item(name)) for name in names]
    images = kit.run(transactions.read(kit.engine, keys, no_pause))
    assert isinstance(images, list)
    assert sum(image.size for image in images if image is not None) > TRANSACT_BYTES_MAX


def test_a_write_tells_which_items_other_transactions_hold(kit: Kit) -> None:
    table = kit.made(kit.record("abc", "pS"))
    held = Held(kit.engine)
    held.hold(*(table.primary.key(item(key)) for key in "bd"))
    actions = [put(table, item(key)) for key in "abcd"]
    outcome = kit.run(transactions.write(held.as_engine(), actions, token(kit)))
    assert outcome == Refused([SUCCEEDED, CONFLICTED, SUCCEEDED, CONFLICTED])
    assert stored(kit, table) == {}
    assert kit.rows(Space.TOKENS) == []


def test_a_token_that_is_held_is_that_of_a_request_in_progress(kit: Kit) -> None:
    """Which holds its items as well."""
    table = kit.made(kit.record("abc", "pS"))
    held = Held(kit.engine)
    used = token(kit)
    held.hold(used.key, table.primary.key(item("a")))
    outcome = kit.run(transactions.write(held.as_engine(), [put(table, item("a"))], used))
    assert outcome == Refused(InProgress())


def test_a_read_tells_which_items_transactions_hold(kit: Kit) -> None:
    table = kit.made(kit.record("abc", "pS"))
    held = Held(kit.engine)
    keys = [table.primary.key(item(key)) for key in "abc"]
    held.hold(keys[1])
    assert kit.run(transactions.read(held.as_engine(), keys, no_pause)) == Refused([SUCCEEDED, CONFLICTED, SUCCEEDED])


def test_index_entries_name_the_items_they_are_derived_from(kit: Kit) -> None:
    """Each that of its own action, not only the first."""
    table = kit.made(kit.record("abc", "pS gS", key_schema=KEY_SCHEMA, indexes=[kit.index("ggg", "g")]))
    kit.put(table, item("b", g={"S": "x"}))
    keys = {key: table.primary.key(item(key)) for key in "ab"}
    actions = [put(table, item("a", g={"S": "y"})), act(table, "b", lambda old: None)]
    bases: list[tuple[bytes, Key | None]] = []
    update = kit.engine.update

    async def seen(footprint: Any, plan: Any, guards: Any) -> Any:
        effects = await update(footprint, plan, guards)
        assert isinstance(effects, Effects)
        bases.extend((key.partition, base) for key, _, base in effects.derived)
        return effects

    kit.engine.update = seen  # type: ignore[method-assign, assignment]
    write(kit, actions)
    assert bases == [(b"y", keys["a"]), (b"x", keys["b"])]
