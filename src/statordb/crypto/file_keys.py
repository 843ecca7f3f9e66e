"""Master keys in a file of the data directory: keys.json, readable by its owner only.

    {"format": 1, "current": "<key id>", "keys": {"<key id>": "<32 bytes, base64>", ...}}

A rotation adds a key and makes it the current one; older ones stay, for what they have wrapped. Where keys.json is a
link, the file that it leads to is the one that is read and written.
"""

import fcntl
import json
import logging
import os
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from statordb.crypto.sealer import KEY_BYTES, NONCE_BYTES, Unsealable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FILE_NAME = "keys.json"
FILE_FORMAT = 1
KEY_ID_BYTES = 8

log = logging.getLogger(__name__)


class KeyFileUnusable(Exception):
    """The key file can't be used; args[0] is one sentence for people."""


class _Ring(NamedTuple):
    current: str
    keys: dict[str, bytes]


class FileKeys:
    """A KeyProvider over a key file, which is made or read when it is first needed."""

    def __init__(self, directory: Path, random: Callable[[int], bytes] = os.urandom, name: str = FILE_NAME) -> None:
        self._path = directory / name
        self._random = random
        self._loaded: _Ring | None = None

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """See KeyProvider. Raises KeyFileUnusable."""
        ring = self._ring()
        nonce = self._random(NONCE_BYTES)
        cipher = _cipher(ring.keys[ring.current])
        return ring.current, nonce + cipher.encrypt(nonce, data_key, ring.current.encode("ascii"))

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """See KeyProvider. Raises Unsealable, KeyFileUnusable."""
        from cryptography.exceptions import InvalidTag

        if self._loaded is None and not self._path.exists():  # it is not to be made: that would only be one more
            raise Unsealable("there is no key file")
        key = self._ring().keys.get(key_id)
        if key is None:
            self._loaded = None  # another process may have added it
            key = self._ring().keys.get(key_id)
        if key is None:
            raise Unsealable("the master key is not known")
        try:
            return _cipher(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], key_id.encode("ascii"))
        except (InvalidTag, ValueError):
            raise Unsealable("the data key is damaged") from None

    def rotate(self) -> str:
        """Make a new current master key, and return its id. Other processes use it once they meet it or start anew."""
        self._ring()
        with _exclusive(self._file().parent):
            ring = _read(self._path)
            key_id = self._new_id()
            self._write(_Ring(key_id, {**ring.keys, key_id: self._random(KEY_BYTES)}))
        self._loaded = None
        return key_id

    def _ring(self) -> _Ring:
        if self._loaded is None:
            if not self._path.exists():
                with _exclusive(self._file().parent):
                    if not self._path.exists():
                        key_id = self._new_id()
                        self._write(_Ring(key_id, {key_id: self._random(KEY_BYTES)}))
            self._loaded = _read(self._path)
        return self._loaded

    def _file(self) -> Path:
        """The file itself. Raises KeyFileUnusable for a link to nothing: what it should lead to is somewhere else."""
        if self._path.is_symlink() and not self._path.exists():
            raise KeyFileUnusable(f"The key file {self._path} is a link to a file that is not there.")
        return self._path.resolve()

    def _new_id(self) -> str:
        return self._random(KEY_ID_BYTES).hex()

    def _write(self, ring: _Ring) -> None:
        """Write the file whole or not at all."""
        document = {
            "format": FILE_FORMAT,
            "current": ring.current,
            "keys": {key_id: b64encode(key).decode() for key_id, key in ring.keys.items()},
        }
        path = self._file()
        fresh = path.with_name(f".{FILE_NAME}.{self._random(4).hex()}")
        try:
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "w") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(fd)
            fresh.replace(path)
            _sync(path.parent)
        except OSError as error:
            raise KeyFileUnusable(f"The key file {path} can't be written: {error.strerror}.") from None
        finally:
            fresh.unlink(missing_ok=True)


def _read(path: Path) -> _Ring:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                log.warning("key file can be read by others", extra={"path": str(path)})
            document = json.load(file)
        if document["format"] != FILE_FORMAT:
            raise KeyFileUnusable(
                f"The key file {path} has format {document['format']}, which this release does not know."
            )
        keys = {key_id: b64decode(key, validate=True) for key_id, key in document["keys"].items()}
        if document["current"] not in keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise ValueError("keys")
        return _Ring(document["current"], keys)
    except OSError as error:
        raise KeyFileUnusable(f"The key file {path} can't be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KeyFileUnusable(f"The key file {path} is damaged.") from None


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


@contextmanager
def _exclusive(directory: Path) -> Iterator[None]:
    """One process at a time makes or changes the key file of a directory."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
