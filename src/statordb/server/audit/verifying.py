"""`statordb audit verify`: whether the audit log is what was written."""

import re
from argparse import Namespace
from pathlib import Path

from statordb.server.audit import chain
from statordb.server.settings import BadStart

EXIT_BROKEN = 1
_KNOWN = re.compile(r"(.+)=([0-9a-f]{64})")


def run(arguments: Namespace) -> int:
    """Verify every chain of a directory; the exit code. Raises BadStart."""
    directory, known = Path(arguments.directory), _known(arguments.known)
    try:
        chains = chain.files_of(directory)
    except OSError as fault:
        raise BadStart(f"The audit log in {directory} can't be read: {fault.strerror}.") from None
    if not chains:
        raise BadStart(f"There is no audit log in {directory}.")
    code = 0
    for name in sorted(known.keys() - chains.keys()):
        print(f"{name}: broken: none of its files is there")
        code = EXIT_BROKEN
    for name, files in sorted(chains.items()):
        try:
            print(f"{name}: {_shown(chain.verify(files, known.get(name, ())), len(files))}")
        except chain.Broken as fault:
            path, line, sentence = fault.args
            print(f"{name}: broken at {path}, line {line}: {sentence}")
            code = EXIT_BROKEN
        except OSError as fault:
            raise BadStart(f"The audit log in {directory} can't be read: {fault.strerror}.") from None
    return code


def _known(given: list[str]) -> dict[str, set[str]]:
    """The hashes that were noted, by the names of their chains."""
    known: dict[str, set[str]] = {}
    for each in given:
        named = _KNOWN.fullmatch(each)
        if named is None:
            raise BadStart(f"The value {each!r} of --known is not NAME=HASH, as verify tells them.")
        known.setdefault(named[1], set()).add(named[2])
    return known


def _shown(found: chain.Chain, files: int) -> str:
    told = f"{found.lines} entries in {files} files, ending with {found.end.hash}"
    if found.begins == 1:
        return told
    before = "a hash that nothing names: its first line is taken as it is" if found.after is None else found.after
    return f"{told}; it begins with file {found.begins}, after {before}"
