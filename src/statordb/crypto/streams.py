"""A stream of bytes, sealed in blocks under a key that seals nothing else (AES-256-GCM).

    sealed block | sealed block | ... | seal of the end

All blocks but the last have BLOCK_BYTES, and each has a tag (16 bytes). The seal of the end is that of the size (8
bytes, big endian) and the SHA-256 digest (32) of all that was sealed. The nonce is the block's number (8, big endian),
000000, and 01 for the end, 00 for any other; so blocks that are missing, moved or from elsewhere do not open. Source:
STREAM of Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance" (2015).
"""

import hashlib
from struct import Struct

from statordb.crypto.sealer import TAG_BYTES, Unsealable

BLOCK_BYTES = 256 * 1024
SEALED_BLOCK_BYTES = BLOCK_BYTES + TAG_BYTES
_end = Struct(">Q32s")
END_BYTES = _end.size + TAG_BYTES
_nonce = Struct(">Q3x?")


class _Stream:
    """What was sealed or opened so far. `bound`: what the stream belongs to."""

    def __init__(self, key: bytes, bound: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)
        self._bound = bound
        self._blocks = 0
        self._sha256 = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> bytes:
        """SHA-256, of what is not sealed."""
        return self._sha256.digest()

    def _count(self, block: bytes) -> None:
        self._blocks += 1
        self.size += len(block)
        self._sha256.update(block)


class StreamSealer(_Stream):
    def seal(self, block: bytes) -> bytes:
        """The next block: BLOCK_BYTES, the last of them from 1 byte."""
        assert 0 < len(block) <= BLOCK_BYTES
        assert self.size == self._blocks * BLOCK_BYTES
        sealed = self._cipher.encrypt(_nonce.pack(self._blocks, False), block, self._bound)
        self._count(block)
        return sealed

    def end(self) -> bytes:
        """Nothing may follow."""
        return self._cipher.encrypt(_nonce.pack(self._blocks, True), _end.pack(self.size, self.digest), self._bound)


class StreamOpener(_Stream):
    """All methods raise Unsealable."""

    def open(self, sealed: bytes) -> bytes:
        """The next block."""
        block = self._opened(sealed, False)
        self._count(block)
        return block

    def end(self, sealed: bytes) -> None:
        """See that this ends the stream, and that it was what was sealed."""
        if self._opened(sealed, True) != _end.pack(self.size, self.digest):
            raise Unsealable("the stream is not what was sealed")

    def _opened(self, sealed: bytes, is_end: bool) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(_nonce.pack(self._blocks, is_end), sealed, self._bound)
        except (InvalidTag, ValueError):
            raise Unsealable("the stream is damaged, cut short, or belongs elsewhere") from None
