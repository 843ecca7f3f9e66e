"""The files of the audit log: lines of JSON, each with the hash of itself and of all before it.

    NAME-00000001.jsonl, NAME-00000002.jsonl, ...

NAME is a process's. A line is an object whose last member, `chain`, is the SHA-256 of the hash before it and of the
line without that member; a file goes on with the chain of the one before it. So a line that was changed, taken out or
put in shows. What was cut off at the end shows only beside a hash that was noted elsewhere.
"""

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

START = "0" * 64  # the hash before the first line of all
LINE_BYTES_MAX = 256 * 1024
_FILE = re.compile(r"(.+)-([0-9]{8})\.jsonl")
_CHAIN = re.compile(rb',"chain":"([0-9a-f]{64})"\}')
CHAIN_BYTES = len(',"chain":""}') + 64


class End(NamedTuple):
    """Where a chain stands: its last file's number (0: it has none), and the hash of its last line."""

    number: int
    hash: str


class Broken(Exception):
    """A line is not what was written; args are the file, the number of the line, and a sentence."""


def linked(before: str, body: bytes) -> tuple[bytes, str]:
    """A line, with its end, and its hash. `body`: a JSON object, as bytes."""
    found = sha256(before.encode() + body).hexdigest()
    return b'%s,"chain":"%s"}\n' % (body[:-1], found.encode()), found


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


def verify(files: list[Path]) -> tuple[int, End]:
    """How many lines a chain has, and its end. Raises Broken, OSError. A last line that a crash cut short is none."""
    lines, end = 0, End(0, START)
    for path in files:
        named = _FILE.fullmatch(path.name)
        assert named is not None
        number = int(named[2])
        if number != end.number + 1:
            raise Broken(str(path), 0, f"the file before it, number {number - 1}, is not there")
        count, last = _verify_file(path, end.hash)
        lines, end = lines + count, End(number, last)
    return lines, end


def _verify_file(path: Path, before: str) -> tuple[int, str]:
    count = 0
    with path.open("rb") as file:
        while line := file.readline(LINE_BYTES_MAX):
            if not line.endswith(b"\n") and not file.read(1):
                break  # a crash came in between
            count += 1
            found = _CHAIN.fullmatch(line[-CHAIN_BYTES - 1 : -1])
            if found is None:
                raise Broken(str(path), count, "it is not a line of the log")
            _, before = linked(before, line[: -CHAIN_BYTES - 1] + b"}")
            if before.encode() != found[1]:
                raise Broken(str(path), count, "it, or one before it, is not what was written")
    return count, before


def end_of(directory: Path, name: str) -> End:
    """Where a chain is to go on. What its last file says is believed: to judge it is for `verify`. Raises OSError."""
    files = files_of(directory).get(name)
    if not files:
        return End(0, START)
    for path in reversed(files):
        named = _FILE.fullmatch(path.name)
        assert named is not None
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
