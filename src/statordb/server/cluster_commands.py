"""`statordb cluster`: looks after the Cassandra cluster of a store."""

import asyncio
import os
import time
from argparse import Namespace

from statordb.server import cassandra, logs, sealing
from statordb.server.audit import directory as audit
from statordb.server.composition import CASSANDRA, told_as_bad_start
from statordb.server.settings import EXIT_BAD_START, BadStart, Settings, load

EXIT_NOT_FIT = 1


def run(arguments: Namespace) -> int:
    """Run a command; the exit code. Raises BadStart."""
    logs.configure("auto", "warning")
    settings = load({"engine": CASSANDRA} | vars(arguments), os.environ)
    if settings.engine != CASSANDRA:
        raise BadStart("statordb cluster is about the engine cassandra only.")
    audit.prepare(settings)
    code = EXIT_BAD_START
    try:
        if arguments.action == "init":
            code = asyncio.run(_init(settings))
        else:
            code = asyncio.run(_check(settings, arguments.allow_periodic))
    finally:
        asked = {"keyspace": settings.keyspace, "datacenter": settings.datacenter}
        audit.record_command(settings.audit_directory, time.time(), f"cluster {arguments.action}", asked, code)
    return code


async def _init(settings: Settings) -> int:
    roots = sealing.roots_of(settings, settings.data)
    with told_as_bad_start(f"keyspace {settings.keyspace}"), sealing.told_of_keys():
        await cassandra.prepare(settings, sealing.rewrite(roots))
    print(f"The keyspace {settings.keyspace} is ready.")
    return 0


async def _check(settings: Settings, allow_periodic: bool) -> int:
    contact = cassandra.contact_of(settings)
    from statordb.server import cluster_facts, cluster_objects
    from statordb.server.cluster_findings import Grade, judge

    facts = await cluster_facts.gather(contact)
    findings = judge(facts, settings.datacenter, settings.keyspace, allow_periodic)
    findings += await cluster_objects.look(settings)
    for finding in findings:
        print(f"{finding.grade.value:8} {finding.text}")
    problems = sum(finding.grade is Grade.PROBLEM for finding in findings)
    if problems:
        print(f"\nThe cluster is not as it must be: {problems} problem{'s' if problems > 1 else ''}.")
        return EXIT_NOT_FIT
    print("\nThe cluster is as it must be.")
    return 0
