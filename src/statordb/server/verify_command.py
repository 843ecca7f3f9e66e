"""`statordb verify`: whether the rows of a store are what was written, while a server runs on it or not."""

import asyncio
import json
import os
import time
from argparse import Namespace
from collections import Counter

from statordb.server import directory, logs
from statordb.server.audit import directory as audit
from statordb.server.composition import CASSANDRA, open_store
from statordb.server.credential_commands import ENVIRONMENT
from statordb.server.settings import EXIT_BAD_START, Settings, load
from statordb.store.verifying.findings import Fault, Finding
from statordb.store.verifying.verifier import Verifier

EXIT_FOUND = 1


def run(arguments: Namespace) -> int:
    """Run the command; the exit code. Raises BadStart."""
    logs.configure("auto", "warning")
    settings = load(vars(arguments), {name: os.environ[name] for name in ENVIRONMENT if name in os.environ})
    if settings.engine != CASSANDRA:
        directory.must_have_store(settings.data)
    audit.prepare(settings)
    code = EXIT_BAD_START
    try:
        code = asyncio.run(_verify(settings, arguments.show_keys))
    finally:
        audit.record_command(settings.audit_directory, time.time(), "verify", {"account": settings.account}, code)
    return code


async def _verify(settings: Settings, keys: bool) -> int:
    faults: Counter[Fault] = Counter()

    def tell(finding: Finding) -> None:
        faults[finding.fault] += 1
        print(_told(finding, keys), flush=True)

    store = await open_store(settings.data, settings)
    try:
        summary = await Verifier(store, tell).run()
    finally:
        await store.close()
    for fault, count in faults.items():
        print(f"{count} times {fault.name}: {fault.value}.")
    for table, why in summary.left_out:
        print(f"{table} was left out: {why}.")
    if summary.uncounted:
        print(f"Totals of {summary.uncounted} tables and indexes can't be judged: they were written to all the time.")
    looked = f"{summary.rows} rows, {summary.entries} index entries and {summary.changes} records of changes"
    print(f"Looked at {looked}: {summary.findings or 'no'} fault{'' if summary.findings == 1 else 's'}.")
    return EXIT_FOUND if summary.findings else 0


def _told(finding: Finding, keys: bool) -> str:
    """A line of it. Keys are values of items: they are told only where that is asked for."""
    where = finding.of if finding.within is None else f"{finding.of}, {finding.within}"
    row = f" row {finding.place}" if finding.place else ""
    key = f" {json.dumps(finding.key, ensure_ascii=False)}" if keys and finding.key is not None else ""
    return f"{finding.fault.name} {where}{row}{key}{f': {finding.detail}' if finding.detail else ''}"
