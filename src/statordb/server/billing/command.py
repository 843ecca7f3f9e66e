"""`statordb bill`: what the tables of a store would cost on AWS, whether a server is running on it or not."""

import asyncio
import json
import os
import time
from argparse import Namespace

from statordb.crypto.file_keys import KeyFileUnusable
from statordb.metering.prices import PriceSheet
from statordb.server import directory, logs
from statordb.server.audit import directory as audit
from statordb.server.billing import sheet
from statordb.server.billing.making import make
from statordb.server.billing.query import NAMES, BadQuery, Query, parse
from statordb.server.billing.report import document, text
from statordb.server.composition import CASSANDRA, open_store
from statordb.server.credential_commands import ENVIRONMENT
from statordb.server.settings import ENVIRONMENT_PREFIX, EXIT_BAD_START, BadStart, Settings, load
from statordb.store.ledger.days import Days

PRICES = ENVIRONMENT_PREFIX + "PRICES"


def run(arguments: Namespace) -> int:
    """Run the command; the exit code. Raises BadStart."""
    logs.configure("auto", "warning")
    given = vars(arguments)
    settings = load(
        {name: value for name, value in given.items() if name not in NAMES},
        {name: os.environ[name] for name in (*ENVIRONMENT, PRICES) if name in os.environ},
    )
    now = time.time()
    try:
        query = parse({name: given[name] for name in NAMES if name in given}, now)
    except BadQuery as fault:
        raise BadStart(str(fault)) from None
    prices = sheet.load(settings.prices)
    if settings.engine != CASSANDRA:
        directory.must_have_store(settings.data)
    audit.prepare(settings)
    code = EXIT_BAD_START
    try:
        code = asyncio.run(_run(settings, query, prices, now, arguments))
    except KeyFileUnusable as error:
        raise BadStart(str(error.args[0])) from None
    finally:
        audit.record_command(settings.audit_directory, now, "bill", _asked(query), code)
    return code


async def _run(settings: Settings, query: Query, prices: PriceSheet, now: float, arguments: Namespace) -> int:
    store = await open_store(settings.data, settings)
    try:
        report = await make(Days(store.ledger), query, prices, now)
    finally:
        await store.close()
    if arguments.json:
        print(json.dumps(document(report), indent=2))
    else:
        print(text(report, arguments.by_table), end="")
    return 0


def _asked(query: Query) -> dict[str, str]:
    """What was asked for, for the audit log."""
    asked = {"month": str(query.month), "account": query.account, "region": query.region, "tableName": query.table}
    return {name: value for name, value in asked.items() if value is not None}
