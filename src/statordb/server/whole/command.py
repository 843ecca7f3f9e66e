"""`statordb backup` and `statordb restore`. Exit codes: 0 done, 1 failed or something is missing, 2 a command line, or
a place, that can't be."""

import asyncio
import os
import sys
import time
from argparse import Namespace
from collections.abc import Coroutine

from statordb.server import logs, sealing
from statordb.server.audit import directory as audit
from statordb.server.credential_commands import ENVIRONMENT
from statordb.server.settings import ENVIRONMENT_PREFIX, EXIT_BAD_START, BadStart, Settings, load
from statordb.server.whole.place import Failed

EXIT_FAILED = 1
VERIFY = "verify"
_NAMES = [*ENVIRONMENT, f"{ENVIRONMENT_PREFIX}OBJECTS", f"{ENVIRONMENT_PREFIX}OBJECTS_CREDENTIALS"]


def run(given: Namespace) -> int:
    """Run a command; the exit code. Raises BadStart."""
    logs.configure("auto", "warning")
    settings = load(vars(given), {name: os.environ[name] for name in _NAMES if name in os.environ})
    audit.prepare(settings)
    action, place, work = _work(settings, given)
    code = EXIT_BAD_START
    try:
        with sealing.told_of_keys():
            code = asyncio.run(work)
    except Failed as fault:
        print(f"statordb: {fault}", file=sys.stderr)
        code = EXIT_FAILED
    finally:
        asked = {"account": settings.account, "place": place}
        audit.record_command(settings.audit_directory, time.time(), action, asked, code)
    return code


def _work(settings: Settings, given: Namespace) -> tuple[str, str, Coroutine[None, None, int]]:
    """What the command is, of which place, and what does it."""
    if given.command == "restore":
        from statordb.server.whole.restoring import restore

        return "restore", given.source, restore(settings, given)
    if len(given.words) == 2 and given.words[0] == VERIFY:
        from statordb.server.whole.verifying import verify

        return "backup verify", given.words[1], verify(settings, given.words[1], given)
    if len(given.words) != 1:
        raise BadStart("Say where to: statordb backup TO; or what to look at: statordb backup verify FROM.")
    from statordb.server.whole.backing_up import back_up

    return "backup", given.words[0], back_up(settings, given.words[0], given)
