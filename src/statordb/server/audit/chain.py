"""The files of the audit log: lines of JSON, each with the hash of itself and of all before it.

    NAME-00000001.jsonl, NAME-00000002.jsonl, ...

NAME is a process's. A line is an object whose last member, `chain`, is the SHA-256 of the hash before it and of the
line without that member; a file goes on with the chain of the one before it, whose last hash its first line names. So a
line that was changed, taken out or put in shows. What was cut off at the end shows only beside a hash that was noted
elsewhere, and so does what was taken away at the beginning: older files may have been moved.
"""

import os
import re
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import orjson

START = "0" * 64  # the hash before the first line of all
LINE_BYTES_MAX = 256 * 1024
_FILE = re.compile(r"(.+)-([0-9]{8})\.jsonl")
_CHAIN = re.compile(rb',"chain":"([0-9a-f]{64})"\}')
_AFTER = re.compile(rb'\{"eventName":"LogContinues","after":"([0-9a-f]{64})","chain":')
CHAIN_BYTES = len(',"chain":""}') + 64


class End(NamedTuple):
    """Where a chain stands: its last file's number (0: it has none), and the hash of its last line."""

    number: int
    hash: str


class Chain(NamedTuple):
    """What a chain was found to be: how many lines it has, the number of its first file, and its end.

    after  the hash before its first line; None where older files are not there and nothing says it.
    """

    lines: int
    begins: int
    after: str | None
    end: End


class Broken(Exception):
    """A line is not what was written; args are the file, the number of the line, and a sentence."""


def linked(before: str, body: bytes) -> tuple[bytes, str]:
    """A line, with its end, and its hash. `body`: a JSON object, as bytes."""
    found = sha256(before.encode() + body).hexdigest()
    return b'%s,"chain":"%s"}\n' % (body[:-1], found.encode()), found


def continues(after: str) -> bytes:
    """What the first line of a file says that goes on with a chain."""
    return orjson.dumps({"eventName": "LogContinues", "after": after})


def files_of(directory: Path) -> dict[str, list[Path]]:
    """The files of each chain in order."""
    found: dict[str, list[Path]] = {}
    for path in sorted(directory.iterdir()):
        named = _FILE.fullmatch(path.name)
        if named is not None:
            found.setdefault(named[1], []).append(path)
    return found


def path_of(directory: Path, name: str, number: int) -> Path:
    return directory / f"{name}-{number:08d}.jsonl"


def verify(files: list[Path], known: Collection[str] = ()) -> Chain:
    """See whether a chain is what was written. Raises Broken, OSError. A last line that a crash cut short is none.

    `known`: hashes that were noted elsewhere as its end: each has to be in it, or to be what it goes on with.
    """
    begins = _number(files[0])
    after = START if begins == 1 else _after(files[0], known)
    missing, before, lines = set(known) - {after}, after, 0
    for number, path in enumerate(files, begins):
        if _number(path) != number:
            raise Broken(str(path), 0, f"the file before it, number {_number(path) - 1}, is not there")
        count, before = _verify_file(path, before, missing)
        lines += count
    if missing:
        raise Broken(str(files[-1]), 0, f"the hash {min(missing)} that was noted is not in the chain")
    return Chain(lines, begins, after, End(_number(files[-1]), before or START))


def _after(path: Path, known: Collection[str]) -> str | None:
    """What the first file that is left goes on with: as it says itself, or as it was noted elsewhere."""
    with path.open("rb") as file:
        line = file.readline(LINE_BYTES_MAX)
    named = _AFTER.match(line)
    if named is not None:
        return named[1].decode()
    found = _CHAIN.fullmatch(line[-CHAIN_BYTES - 1 : -1])
    if found is None:
        return None
    body = line[: -CHAIN_BYTES - 1] + b"}"
    return next((each for each in known if linked(each, body)[1].encode() == found[1]), None)


def _verify_file(path: Path, before: str | None, missing: set[str]) -> tuple[int, str | None]:
    """How many lines a file has, and the hash of the last one. `before` None: the first line has to be believed.
    What it meets is taken from `missing`."""
    count = 0
    with path.open("rb") as file:
        while line := file.readline(LINE_BYTES_MAX):
            if not line.endswith(b"\n") and not file.read(1):
                break  # a crash came in between
            count += 1
            found = _CHAIN.fullmatch(line[-CHAIN_BYTES - 1 : -1])
            if found is None:
                raise Broken(str(path), count, "it is not a line of the log")
            if before is None:
                before = found[1].decode()
            else:
                _, before = linked(before, line[: -CHAIN_BYTES - 1] + b"}")
            if before.encode() != found[1]:
                raise Broken(str(path), count, "it, or one before it, is not what was written")
            missing.discard(before)
    return count, before


def end_of(directory: Path, name: str) -> End:
    """Where a chain is to go on. What its last file says is believed: to judge it is for `verify`. Raises OSError."""
    files = files_of(directory).get(name)
    if not files:
        return End(0, START)
    for path in reversed(files):
        last = _last_hash(path)
        if last is not None:
            return End(_number(files[-1]), last)
    return End(_number(files[-1]), START)


def _number(path: Path) -> int:
    named = _FILE.fullmatch(path.name)
    assert named is not None
    return int(named[2])


def _last_hash(path: Path) -> str | None:
    """The hash of the last whole line; None if there is none."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2 * LINE_BYTES_MAX))
        lines = file.read().split(b"\n")[:-1]
    for line in reversed(lines):
        found = _CHAIN.fullmatch(line[-CHAIN_BYTES:])
        if found is not None:
            return found[1].decode()
    return None
