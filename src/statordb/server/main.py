"""The command `statordb`. Exit codes: 0 done, 1 not found or failed, 2 a start or a command line that can't be."""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from statordb import __version__
from statordb.server import arguments
from statordb.server.settings import EXIT_BAD_START, BadStart, load


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line, by default the process's own; the exit code."""
    try:
        given = arguments.parse(sys.argv[1:] if words is None else words)
        return _COMMANDS[given.command](given)
    except BadStart as error:
        print(f"statordb: {error.args[0]}", file=sys.stderr)
        return EXIT_BAD_START


def _serve(given: Namespace) -> int:
    from statordb.server.serving import serve

    return serve(load(vars(given), os.environ))


def _credentials(given: Namespace) -> int:
    from statordb.server.credential_commands import run

    return run(given)


def _cluster(given: Namespace) -> int:
    from statordb.server.cluster_commands import run

    return run(given)


def _keys(given: Namespace) -> int:
    from statordb.server.key_commands import run

    return run(given)


def _verify(given: Namespace) -> int:
    from statordb.server.verify_command import run

    return run(given)


def _audit(given: Namespace) -> int:
    from statordb.server.audit.verifying import run

    return run(given)


def _bill(given: Namespace) -> int:
    from statordb.server.billing.command import run

    return run(given)


def _transfer(given: Namespace) -> int:
    from statordb.server.transfer.command import run

    return run(given)


def _whole(given: Namespace) -> int:
    from statordb.server.whole.command import run

    return run(given)


def _launcher(given: Namespace) -> int:
    from statordb.server.launcher_command import run

    return run(given)


def _version(given: Namespace) -> int:
    print(f"statordb {__version__}")
    return 0


_COMMANDS = {
    "serve": _serve,
    "credentials": _credentials,
    "cluster": _cluster,
    "keys": _keys,
    "verify": _verify,
    "audit": _audit,
    "bill": _bill,
    "export": _transfer,
    "import": _transfer,
    "backup": _whole,
    "restore": _whole,
    "launcher": _launcher,
    "version": _version,
}
