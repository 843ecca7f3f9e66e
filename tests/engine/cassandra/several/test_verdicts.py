"""Verdicts: what is written there comes back, and one outcome is decided for all."""

import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.engine.cassandra.cql.session import Session
from statordb.engine.cassandra.owed.journal import Noted
from statordb.engine.cassandra.owed.owed import Derived, Owed
from statordb.engine.cassandra.several import verdicts
from statordb.engine.cassandra.several.verdicts import Part, Record, Verdict, Verdicts

Run = Callable[[Coroutine[Any, Any, Any]], Any]

spots = st.tuples(st.integers(0, 63), st.binary(max_size=8))
bodies = st.none() | st.binary(max_size=8)
numbers = st.integers(1, 2**63 - 1)
parts = st.builds(
    Part,
    st.sampled_from(["own1", "s7"]),
    st.binary(max_size=8),
    st.dictionaries(spots, bodies, max_size=3),
    st.lists(spots, max_size=3),
    st.dictionaries(spots, bodies, max_size=3),
)
owed = st.builds(
    Owed,
    st.lists(st.builds(Derived, numbers, st.binary(), st.binary(), bodies, numbers), max_size=3),
    st.lists(st.tuples(numbers, st.binary(), st.binary()), max_size=3),
    st.booleans(),
)


@pytest.mark.slow
@given(st.builds(Record, numbers, numbers, st.lists(parts, max_size=3), owed))
def test_a_record_comes_back(record: Record) -> None:
    assert Record.decode(record.encode()) == record


def test_a_record_of_many_chunks_comes_back_until_it_is_forgotten(session: Session, run: Run) -> None:
    async def story() -> None:
        book = Verdicts(session)
        id = secrets.token_bytes(16)
        body = secrets.token_bytes(3 * verdicts.CHUNK_BYTES)
        record = Record(5, 5, [Part("s7", b"p", {(0, b""): body}, [], {})], Owed([], [], False))
        chunks = await book.record(id, record)
        assert chunks == 4
        assert await book.recorded(id, chunks) == record
        await book.clear(id)
        assert await book.recorded(id, chunks) is None

    run(story())


def test_a_note_outlives_the_record(session: Session, run: Run) -> None:
    """So that late marks of an aborted transaction can be taken off."""

    async def story() -> None:
        book = Verdicts(session)
        id = secrets.token_bytes(16)
        groups = [Noted("s7", b"p", ((0, b"a"), (3, b""))), Noted("own1", b"q", ((0, b""),))]
        await book.note(id, groups)
        await book.clear(id)
        assert await book.noted(id) == groups
        await book.forget(id)
        assert await book.noted(id) == []

    run(story())


def test_the_first_outcome_stands(session: Session, run: Run) -> None:
    async def story() -> None:
        book = Verdicts(session)
        record = Record(5, 5, [], Owed([], [], False))
        committed, aborted = secrets.token_bytes(16), secrets.token_bytes(16)
        assert await book.verdict(committed) is None
        assert await book.commit(committed, record, 3)
        assert await book.commit(committed, record, 3)  # asked again, since the answer got lost
        assert await book.abort(committed) == Verdict(True, 3) == await book.verdict(committed)
        assert await book.abort(aborted) == Verdict(False, 0)
        assert not await book.commit(aborted, record, 3)
        assert await book.verdict(aborted) == Verdict(False, 0)
        for id in (committed, aborted):
            await book.forget(id)
            assert await book.verdict(id) is None

    run(story())


def test_a_commit_that_arrives_after_all_is_forgotten_is_not_seen(session: Session, run: Run) -> None:
    async def story() -> None:
        book = Verdicts(session)
        id = secrets.token_bytes(16)
        await book.abort(id)
        await book.forget(id)
        await book.commit(id, Record(5, 5, [], Owed([], [], False)), 1)
        assert await book.verdict(id) is None

    run(story())
