"""The two commands. Exit codes: 0 done, 1 failed or something was left out, 2 a command line that can't be."""

import sys
from argparse import Namespace

from statordb.server.settings import BadStart
from statordb.server.transfer import exporting, importing
from statordb.server.transfer.endpoint import Failed

EXIT_FAILED = 1
PARALLEL_MAX = 64


def run(given: Namespace) -> int:
    """Run a command; the exit code. Raises BadStart."""
    if not given.parallel.isascii() or not given.parallel.isdigit() or not 1 <= int(given.parallel) <= PARALLEL_MAX:
        raise BadStart(f"The value {given.parallel!r} of --parallel is not a number from 1 to {PARALLEL_MAX}.")
    given.parallel = int(given.parallel)
    try:
        if given.command == "export":
            return exporting.run(given)
        given.delimiter = importing.must_be_delimiter(given.delimiter)
        return importing.run(given)
    except Failed as fault:
        print(f"statordb: {fault}", file=sys.stderr)
        return EXIT_FAILED
