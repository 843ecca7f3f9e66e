"""Objects that the server keeps for itself, sealed.

    SDBO (4) | format: 1 (1) | length (4, big endian) | keys, as JSON | SHA-256 digest of all before it (32) | stream

Keys: `store_key` is the id of a store key, `provider` and `root` who wrapped that and with which key, `wrapped` the
wrapped store key, `data_key` the object's data key wrapped by the store key; both as Base64. The stream
(`crypto/streams.py`) is bound to that digest and to the object's name, below the server's own bucket. So a place may be
copied to another one, but no object can stand for another, nor open with another head; and all that is needed to read
one is a root key.

A digest of what is within, kept elsewhere, tells an object from an older one of the same name.
"""

import asyncio
import binascii
import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from struct import Struct
from typing import NamedTuple

from statordb.crypto.file_keys import KeyFileUnusable
from statordb.crypto.object_keys import Envelope, KeyMissing, ObjectKeys
from statordb.crypto.ring import Wrapped
from statordb.crypto.roots import WRAPPED_BYTES_MAX, RootUnusable
from statordb.crypto.sealer import Unsealable
from statordb.crypto.streams import BLOCK_BYTES, END_BYTES, SEALED_BLOCK_BYTES, StreamOpener, StreamSealer
from statordb.objects.calls import blocks
from statordb.objects.contract import PAGE_OBJECTS_MAX, Bucket, Entry
from statordb.objects.faults import Away, Damaged, Foreign
from statordb.objects.names import check_name

MAGIC = b"SDBO"
FORMAT = 1
DIGEST_BYTES = 32
KEYS_BYTES_MAX = 2 * WRAPPED_BYTES_MAX
_front = Struct(">4sBI")


class Sealed(NamedTuple):
    """What became of a `put`: of what is within. `digest`: SHA-256."""

    size: int
    digest: bytes


class SealedBucket:
    """Seals what is put into a bucket, and opens it. Methods raise what that bucket's do, and Damaged, Foreign."""

    def __init__(self, bucket: Bucket, keys: ObjectKeys) -> None:
        self._bucket = bucket
        self._keys = keys
        self.head = bucket.head
        self.delete = bucket.delete
        self.sweep = bucket.sweep

    async def put(self, name: str, chunks: AsyncIterable[bytes]) -> Sealed:
        """See Bucket. Raises what the store does, too, whose current key is asked for."""
        check_name(name)
        data_key, envelope = await self._keys.new()
        head = _head(envelope)
        sealer = StreamSealer(data_key, _bound(head, name))
        await self._bucket.put(name, _sealed(head, sealer, chunks))
        return Sealed(sealer.size, sealer.digest)

    async def get(self, name: str, digest: bytes | None = None) -> AsyncGenerator[bytes, None]:
        """What is within. Every chunk is as it was written, but only who has seen the end knows that nothing is
        missing. `digest`: which it has to be."""
        async with aclosing(self._bucket.get(name)) as found:
            opener: StreamOpener | None = None
            waiting = bytearray()
            async for chunk in found:
                waiting += chunk
                if opener is None:
                    opener = await self._opener(name, waiting)
                while opener and len(waiting) >= SEALED_BLOCK_BYTES + END_BYTES:
                    yield _opened(opener, name, bytes(waiting[:SEALED_BLOCK_BYTES]))
                    del waiting[:SEALED_BLOCK_BYTES]
        if opener is None or len(waiting) < END_BYTES:
            raise _damaged(name, "it is cut short")
        if last := bytes(waiting[:-END_BYTES]):
            yield _opened(opener, name, last)
        try:
            opener.end(bytes(waiting[-END_BYTES:]))
        except Unsealable as fault:
            raise _damaged(name, str(fault)) from None
        if digest is not None and digest != opener.digest:
            raise _damaged(name, "it is another one of that name")

    async def list(self, prefix: str = "", after: str = "", limit: int = PAGE_OBJECTS_MAX) -> Sequence[Entry]:
        """See Bucket. Sizes are those of what is sealed."""
        return await self._bucket.list(prefix, after, limit)

    async def _opener(self, name: str, begun: bytearray) -> StreamOpener | None:
        """Take the head off what an object begins with. None: there is too little of it yet."""
        if len(begun) < _front.size:
            return None
        magic, format, length = _front.unpack_from(begun)
        if magic != MAGIC:
            raise _damaged(name, "it is not sealed")
        if format != FORMAT:
            raise _damaged(name, f"it has the format {format}, which this release does not know")
        if length > KEYS_BYTES_MAX:
            raise _damaged(name, "its head is damaged")
        end = _front.size + length + DIGEST_BYTES
        if len(begun) < end:
            return None
        head = bytes(begun[:end])
        if hashlib.sha256(head[:-DIGEST_BYTES]).digest() != head[-DIGEST_BYTES:]:
            raise _damaged(name, "its head is damaged")
        del begun[:end]
        return StreamOpener(await self._data_key(name, head), _bound(head, name))

    async def _data_key(self, name: str, head: bytes) -> bytes:
        try:
            return await self._keys.opened(_envelope(head))
        except KeyMissing as fault:
            raise Foreign("KeyMissing", f"The object {name} {fault}.") from None
        except (RootUnusable, KeyFileUnusable) as fault:
            raise Away("KeyUnusable", str(fault)) from None
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, Unsealable):
            raise _damaged(name, "its keys are damaged, or another one's") from None


def _head(envelope: Envelope) -> bytes:
    """With its digest."""
    provider, root, wrapped = envelope.root
    keys = json.dumps(
        {
            "store_key": envelope.store_key,
            "provider": provider,
            "root": root,
            "wrapped": b64encode(wrapped).decode(),
            "data_key": b64encode(envelope.data_key).decode(),
        }
    ).encode()
    head = _front.pack(MAGIC, FORMAT, len(keys)) + keys
    return head + hashlib.sha256(head).digest()


def _envelope(head: bytes) -> Envelope:
    """Raises ValueError, KeyError, TypeError, AttributeError."""
    keys = json.loads(head[_front.size : -DIGEST_BYTES])
    wrapped = Wrapped(str(keys["provider"]), str(keys["root"]), b64decode(keys["wrapped"], validate=True))
    return Envelope(str(keys["store_key"]), wrapped, b64decode(keys["data_key"], validate=True))


def _bound(head: bytes, name: str) -> bytes:
    """What the stream of an object belongs to."""
    return head[-DIGEST_BYTES:] + name.encode()


async def _sealed(head: bytes, sealer: StreamSealer, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    yield head
    async with aclosing(blocks(chunks, BLOCK_BYTES)) as whole:
        async for block in whole:
            yield sealer.seal(block)
            await asyncio.sleep(0)  # others' turn: many blocks go into one part of an upload
    yield sealer.end()


def _opened(opener: StreamOpener, name: str, sealed: bytes) -> bytes:
    try:
        return opener.open(sealed)
    except Unsealable as fault:
        raise _damaged(name, str(fault)) from None


def _damaged(name: str, why: str) -> Damaged:
    return Damaged("Damaged", f"The object {name} can't be opened: {why}.")
