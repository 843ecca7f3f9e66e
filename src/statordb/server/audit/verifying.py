"""`statordb audit verify`: whether the audit log is what was written."""

from argparse import Namespace
from pathlib import Path

from statordb.server.audit import chain
from statordb.server.settings import BadStart

EXIT_BROKEN = 1


def run(arguments: Namespace) -> int:
    """Verify every chain of a directory; the exit code. Raises BadStart."""
    directory = Path(arguments.directory)
    try:
        chains = chain.files_of(directory)
    except OSError as fault:
        raise BadStart(f"The audit log in {directory} can't be read: {fault.strerror}.") from None
    if not chains:
        raise BadStart(f"There is no audit log in {directory}.")
    code = 0
    for name, files in sorted(chains.items()):
        try:
            lines, end = chain.verify(files)
        except chain.Broken as fault:
            path, line, sentence = fault.args
            print(f"{name}: broken at {path}, line {line}: {sentence}")
            code = EXIT_BROKEN
        except OSError as fault:
            raise BadStart(f"The audit log in {directory} can't be read: {fault.strerror}.") from None
        else:
            print(f"{name}: {lines} entries in {len(files)} files, ending with {end.hash}")
    return code
