"""Rows are sealed: each for its place, each time under another number, and whatever was done to one is found out."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.crypto import rows
from statordb.crypto.rows import CLEAR_BYTES, OVERHEAD_BYTES, RowSealer, UnknownKey, UsedUp, clear_of
from statordb.crypto.sealer import KEY_BYTES, Unsealable

KEY, OTHER = bytes(KEY_BYTES), b"\1" * KEY_BYTES
ITEM = b"\x01\x00\x00\x01\x00" + b'{"p":{"S":"secret"}}'


def sealer() -> RowSealer:
    made = RowSealer()
    made.use(b"id-1", KEY)
    return made


@given(st.binary(max_size=200), st.binary(max_size=40), st.binary(max_size=40))
def test_what_was_sealed_opens_with_its_tail(body: bytes, bound: bytes, tail: bytes) -> None:
    each = sealer()
    sealed = each.seal(body, bound, tail)
    clear = clear_of(sealed) or b""
    assert clear + each.open(sealed, bound) == body + tail
    assert len(sealed) == len(body) + len(tail) + OVERHEAD_BYTES - (1 if clear else 0)


def test_format_and_size_of_an_item_are_readable_and_nothing_else_is() -> None:
    sealed = sealer().seal(ITEM, b"bound")
    assert clear_of(sealed) == ITEM[:CLEAR_BYTES]
    assert b"secret" not in sealed
    assert clear_of(sealer().seal(b'{"format":1}', b"bound")) is None


@pytest.mark.parametrize("body", [ITEM, b"a record"])
def test_a_row_that_was_changed_cut_or_moved_is_refused(body: bytes) -> None:
    """Each byte counts, the readable ones too; but for those that name the key, of which there is no such one."""
    each = sealer()
    sealed = each.seal(body, b"here")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :]
        with pytest.raises((Unsealable, UnknownKey)):
            each.open(changed, b"here")
        with pytest.raises((Unsealable, UnknownKey)):
            each.open(sealed[:at], b"here")
    with pytest.raises(Unsealable, match="belongs elsewhere"):
        each.open(sealed, b"there")


def test_the_short_ways_open_items_and_nothing_else() -> None:
    each = sealer()
    tail = b"tail"
    sealed = each.seal(ITEM, b"here", tail)
    assert each.open_item(b"in front" + sealed, 8, b"here", len(tail)) == ITEM[CLEAR_BYTES:]
    assert each.open_items([sealed] * 2, [b"here"] * 2, len(tail)) == [ITEM[CLEAR_BYTES:]] * 2
    assert each.open_items([sealed], [b"here"], 0) == [ITEM[CLEAR_BYTES:] + tail]
    others = [each.seal(b"a record", b"here", tail), b"", sealed[:-1], sealed[:3]]
    others += [sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :] for at in range(len(sealed))]
    for other in others:
        assert each.open_item(other, 0, b"here", len(tail)) is None
        assert each.open_items([sealed, other], [b"here"] * 2, len(tail)) is None
    assert each.open_item(sealed, 0, b"there", len(tail)) is None


@pytest.mark.parametrize("size", [10, 2 * rows.COPIED_BYTES_MAX])
def test_items_of_several_data_keys_open_in_one_pass(size: int) -> None:
    """As of a page whose rows several processes have written. None is taken for another's, though all are known."""
    each = sealer()
    body = ITEM[:CLEAR_BYTES] + bytes(size)
    sealed = [each.seal(body, b"0")]
    each.use(b"id-2", OTHER)
    sealed += [each.seal(body, b"1"), each.seal(body, b"2")]
    bounds = [b"0", b"1", b"2"]
    assert each.open_items(sealed, bounds, 0) == [bytes(size)] * 3
    assert each.open_items(sealed, [b"0", b"2", b"1"], 0) is None
    each.forget(b"id-2")
    assert each.open_items(sealed, bounds, 0) is None
    assert each.open_items([], [], 0) == []


def test_a_row_that_is_not_sealed_is_refused() -> None:
    for body in (ITEM, b'{"format":1}', b""):
        with pytest.raises(Unsealable):
            sealer().open(body, b"bound")


def test_no_number_is_taken_twice() -> None:
    """Threads seal beside each other, and a plan that runs again seals again."""
    each = sealer()
    with ThreadPoolExecutor(4) as pool:
        sealed = list(pool.map(lambda _: each.seal(ITEM, b"bound"), range(2000)))
    nonces = {body[CLEAR_BYTES : CLEAR_BYTES + 12] for body in sealed}
    assert len(nonces) == 2000


def test_a_key_of_another_process_is_asked_for_by_its_id() -> None:
    one, two = sealer(), RowSealer()
    two.use(b"id-2", OTHER)
    sealed = one.seal(ITEM, b"bound")
    with pytest.raises(UnknownKey) as unknown:
        two.open(sealed, b"bound")
    two.learn(unknown.value.id, KEY)
    assert two.open(sealed, b"bound") == ITEM[CLEAR_BYTES:]


def test_keys_at_hand_are_bounded_and_the_one_in_use_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "DATA_KEYS_MAX", 3)
    each = sealer()
    sealed = each.seal(ITEM, b"bound")
    for number in range(10):
        each.learn(b"%04d" % number, OTHER)
    assert each.open(sealed, b"bound") == ITEM[CLEAR_BYTES:]
    assert not each.knows(b"0000")
    assert each.knows(b"0009")


def test_a_key_is_renewed_long_before_it_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SEALS_PER_DATA_KEY_MAX", 4)
    monkeypatch.setattr(rows, "SEALS_BEFORE_RENEWAL", 2)
    each = RowSealer()
    assert each.due
    with pytest.raises(UsedUp):
        each.seal(ITEM, b"bound")
    each.use(b"id-1", KEY)
    assert [each.due for _ in range(4) if each.seal(ITEM, b"bound")] == [False, False, True, True]
    with pytest.raises(UsedUp):
        each.seal(ITEM, b"bound")
    each.use(b"id-2", OTHER)
    assert not each.due
