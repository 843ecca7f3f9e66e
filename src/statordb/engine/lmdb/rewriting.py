"""Giving every row and every entry of a log another form, once, while nobody else has the store open.

Rows may get other keys, so it goes by chunks, each in a transaction of its own, over what a snapshot has. Whoever dies
in between leaves a note (`REWRITING_KEY`), upon which the next opener goes on: what has its new form already is left as
it is. Behind that, all rows get new pages once more, and the pages that have become free are written over: what rows
were like before is not to be found in the file any more.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import logging
from collections.abc import Iterator

import lmdb

from statordb.engine.contract import Key, Row
from statordb.engine.lmdb.groups import Group, entries
from statordb.engine.lmdb.keys import (
    HEAD_BYTES,
    OWN_SPACES,
    PREFIX_BYTES,
    REWRITING_KEY,
    SEQUENCE_BYTES,
    SPACE_BYTES,
    Digest,
    Own,
    after_prefix,
    meta_key,
    pack_id,
    unpack_head,
    unpack_id,
)
from statordb.engine.lmdb.rows import named
from statordb.engine.rewriting import Rewrite, Rewriter

CHUNK_BYTES_MAX = 4 << 20  # of rows that one transaction rewrites
FIRST_VERSION = 1  # of rows that come with the new form; those that are written later have higher ones
FILLER_BYTES = 4000  # of a row that takes a page of its own
FILLERS = 1024  # a transaction
GROWTHS = 2  # transactions in a row that had to make the file longer: no page is free any more

log = logging.getLogger(__name__)


def rewrite_store(env: lmdb.Environment, digest: Digest, rewrite: Rewrite) -> None:
    """Rewrite all that there is. Raises what `rewrite` and its Rewriter do."""
    log.warning("store is being rewritten", extra={"bytes": env.info()["last_pgno"] * env.stat()["psize"]})
    with env.begin() as txn:
        rewriter = rewrite(lambda space: list(_rows(txn, pack_id(space))))
    with env.begin(write=True) as txn:
        for key, body in rewriter.added():
            txn.put(_row_key(key, digest), pack_id(FIRST_VERSION) + named(key.partition) + body)
    with env.begin() as snapshot:
        spaces = [space for space in _spaces(snapshot) if space not in OWN_SPACES and space != rewriter.last]
        for space in (*spaces, rewriter.last):
            _in_chunks(env, _rewritten_rows(snapshot, space, digest, rewriter))
        _in_chunks(env, _rewritten_logs(snapshot, rewriter))


def clean_store(env: lmdb.Environment) -> None:
    """Leave nothing in the file of what was there before, and note that all is done. To be called with an environment
    that was opened behind `rewrite_store`: LMDB uses the memory of pages again, and does not clear it, so that pages
    have bytes of others where they have no rows."""
    at: bytes | None = b""
    while at is not None:
        at = _put_again(env, at)
    _write_over_free(env)
    with env.begin(write=True) as txn:
        txn.delete(REWRITING_KEY)
    log.warning("store has been rewritten")


def _put_again(env: lmdb.Environment, at: bytes) -> bytes | None:
    """Put rows from a key on just as they are: LMDB makes new pages for them. The key to go on at, if there is more."""
    size = 0
    with env.begin(write=True) as txn:
        for key, value in _from(txn, at):
            if size >= CHUNK_BYTES_MAX:
                return key
            txn.put(key, value)
            size += len(key) + len(value)
    return None


def _from(txn: lmdb.Transaction[bytes], at: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Rows from a key on, while they are put."""
    with txn.cursor() as cursor:
        found = cursor.set_range(at) if at else cursor.first()
        while found:
            key, value = cursor.item()
            yield key, value
            found = cursor.set_range(key + b"\0")


Written = tuple[bytes, bytes, bytes]
"""A key that goes, the key that comes in its place, and the value."""


def _in_chunks(env: lmdb.Environment, changed: Iterator[Written]) -> None:
    chunk: list[Written] = []
    size = 0
    for each in changed:
        chunk.append(each)
        size += len(each[1]) + len(each[2])
        if size >= CHUNK_BYTES_MAX:
            _put(env, chunk)
            chunk, size = [], 0
    _put(env, chunk)


def _put(env: lmdb.Environment, chunk: list[Written]) -> None:
    with env.begin(write=True) as txn:
        for before, key, value in chunk:
            if key != before:
                txn.delete(before)
            txn.put(key, value)


def _spaces(txn: lmdb.Transaction[bytes]) -> Iterator[int]:
    with txn.cursor() as cursor:
        found = cursor.first()
        while found:
            prefix = cursor.key()[:SPACE_BYTES]
            yield unpack_id(prefix)
            found = cursor.set_range(after_prefix(prefix))


def _rows(txn: lmdb.Transaction[bytes], prefix: bytes) -> Iterator[Row]:
    for key, value in _items(txn, prefix):
        _, length = unpack_head(value)
        end = HEAD_BYTES + length
        yield Row(value[HEAD_BYTES:end], key[PREFIX_BYTES:], value[end:])


def _items(txn: lmdb.Transaction[bytes], prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    with txn.cursor() as cursor:
        if cursor.set_range(prefix):
            for key, value in cursor.iternext(True, True):
                if not key.startswith(prefix):
                    return
                yield key, value


def _rewritten_rows(txn: lmdb.Transaction[bytes], space: int, digest: Digest, rewriter: Rewriter) -> Iterator[Written]:
    for key, value in _items(txn, pack_id(space)):
        version, length = unpack_head(value)
        end = HEAD_BYTES + length
        made = rewriter.row(Key(space, value[HEAD_BYTES:end], key[PREFIX_BYTES:]), value[end:])
        if made is not None:
            row, body = made
            yield key, _row_key(row, digest), pack_id(version) + named(row.partition) + body


def _rewritten_logs(txn: lmdb.Transaction[bytes], rewriter: Rewriter) -> Iterator[Written]:
    for key, value in _items(txn, pack_id(Own.LOG)):
        stream = unpack_id(key[SPACE_BYTES : 2 * SPACE_BYTES])
        shard = key[2 * SPACE_BYTES + 2 : -SEQUENCE_BYTES]
        group = Group()
        for sequence, body in entries(key, value):
            made = rewriter.change(stream, shard, body)
            if made is None:
                break
            group.add(sequence, made)
        else:
            yield key, key, group.value


def _row_key(key: Key, digest: Digest) -> bytes:
    return pack_id(key.space) + digest(key.partition) + key.sort


def _write_over_free(env: lmdb.Environment) -> None:
    """Fill all pages that are free with rows of nothing, and delete these."""
    prefix, number, growths = meta_key(b"filler"), 0, 0
    while growths < GROWTHS:
        before = env.info()["last_pgno"]
        with env.begin(write=True) as txn:
            for _ in range(FILLERS):
                txn.put(prefix + pack_id(number), bytes(FILLER_BYTES))
                number += 1
        growths = growths + 1 if env.info()["last_pgno"] >= before + FILLERS else 0
    for first in range(0, number, FILLERS):
        with env.begin(write=True) as txn:
            for each in range(first, min(number, first + FILLERS)):
                txn.delete(prefix + pack_id(each))
