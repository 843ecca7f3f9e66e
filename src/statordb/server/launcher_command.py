"""`statordb launcher`: starts functions for a server that has no right to."""

from argparse import Namespace
from pathlib import Path

from statordb.launcher.start import CannotBegin, serve_socket
from statordb.server import setting_values
from statordb.server.becoming import user_of
from statordb.server.settings import BadStart


def run(given: Namespace) -> int:
    """Serve until told to end. Raises BadStart."""
    try:
        users = setting_values.users(given.users)
    except ValueError as fault:
        raise BadStart(f"The value {given.users!r} of --users {fault}.") from None
    if users is None:
        raise BadStart("--users is empty.")
    try:
        serve_socket(Path(given.socket), users, user_of(given.user).number, given.directory, given.code)
    except CannotBegin as fault:
        raise BadStart(*fault.args) from None
    return 0
