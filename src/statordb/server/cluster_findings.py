"""What is right and wrong with a Cassandra cluster, by the facts of it."""

import re
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from statordb.server.cluster_facts import Facts, Node

RELEASE_MIN = (4, 1)  # the first with paxos_variant v2
COPIES = 3
MURMUR3 = "org.apache.cassandra.dht.Murmur3Partitioner"
SKEW_SECONDS_WARNED = 0.1
SKEW_SECONDS_MAX = 1.0
MUTATION_KIB_WARNED = 8 * 1024  # an item of 400 KB with five local indexes, and what it owes to others


class Grade(Enum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """One sentence about the cluster."""

    grade: Grade
    text: str


def judge(facts: Facts, datacenter: str, keyspace: str, allow_periodic: bool) -> list[Finding]:
    """Everything there is to say, the nodes first."""
    return [
        *_silent(facts),
        *(_node(node) for node in facts.nodes),
        *_same(facts),
        *_places(facts, datacenter),
        *_replication(facts, datacenter, keyspace),
        *(finding for node in facts.nodes for finding in _clock(node)),
        *(finding for node in facts.nodes for finding in _settings(node, allow_periodic)),
        *_access(facts),
    ]


def _silent(facts: Facts) -> Iterator[Finding]:
    for address, fault in facts.silent.items():
        yield Finding(Grade.PROBLEM, f"{address} does not answer: {fault}")


def _node(node: Node) -> Finding:
    skew = f"{node.skew.seconds * 1000:+.0f} ms"
    text = f"{node.address} answers: release {node.release}, datacenter {node.datacenter}, {node.rack}, clock {skew}"
    return Finding(Grade.OK, text)


def _same(facts: Facts) -> Iterator[Finding]:
    """What all nodes must have in common."""
    releases = {node.release for node in facts.nodes}
    if len(releases) > 1:
        yield Finding(Grade.WARNING, f"The nodes are of several releases: {', '.join(sorted(releases))}.")
    for node in facts.nodes:
        found = re.match(r"(\d+)\.(\d+)", node.release)
        if node.settings is not None and (found is None or (int(found[1]), int(found[2])) < RELEASE_MIN):
            yield Finding(Grade.PROBLEM, f"{node.address} is of release {node.release}; 4.1 or later is needed.")
        if node.partitioner != MURMUR3:
            yield Finding(Grade.PROBLEM, f"{node.address} has the partitioner {node.partitioner}, not {MURMUR3}.")
    if len({node.schema for node in facts.nodes}) > 1:
        yield Finding(Grade.PROBLEM, "The nodes do not agree on the schema.")


def _places(facts: Facts, datacenter: str) -> Iterator[Finding]:
    """Where the nodes that answered are."""
    elsewhere = [node.address for node in facts.nodes if node.datacenter != datacenter]
    for address in elsewhere:
        yield Finding(Grade.PROBLEM, f"{address} is not in the datacenter {datacenter}.")


def _replication(facts: Facts, datacenter: str, keyspace: str) -> Iterator[Finding]:
    """Copies against nodes and racks."""
    nodes = [node for node in facts.nodes if node.datacenter == datacenter]
    if not nodes:
        yield Finding(Grade.PROBLEM, f"No node of the datacenter {datacenter} answers.")
        return
    racks = Counter(node.rack for node in nodes)
    replication = nodes[0].keyspaces.get(keyspace)
    if replication is None:
        yield Finding(Grade.WARNING, f'There is no keyspace {keyspace} yet: "statordb cluster init" makes it.')
        copies = min(COPIES, len(nodes))
    else:
        strategy = replication.get("class", "").rpartition(".")[2]
        if strategy != "NetworkTopologyStrategy":
            yield Finding(Grade.PROBLEM, f"The keyspace {keyspace} has {strategy}, not NetworkTopologyStrategy.")
            return
        copies = int(replication.get(datacenter, 0))
        yield Finding(Grade.OK, f"The keyspace {keyspace}: copies {copies}, nodes {len(nodes)}, racks {len(racks)}.")
    if not copies:
        yield Finding(Grade.PROBLEM, f"The keyspace {keyspace} has no copies in the datacenter {datacenter}.")
        return
    if copies > len(nodes):
        yield Finding(Grade.PROBLEM, f"The keyspace {keyspace} has more copies than there are nodes that answer.")
    if copies < COPIES:
        yield Finding(Grade.WARNING, f"With fewer than {COPIES} copies no node may fail.")
    elif len(racks) < copies:
        yield Finding(
            Grade.WARNING, f"{copies} copies on {len(racks)} racks: one rack that fails may take a majority along."
        )
    elif max(racks.values()) > min(racks.values()):
        yield Finding(
            Grade.WARNING,
            f"The racks are not alike: {', '.join(f'{rack} {count}' for rack, count in sorted(racks.items()))} nodes.",
        )


def _clock(node: Node) -> Iterator[Finding]:
    skew = abs(node.skew.seconds) - node.skew.uncertainty
    if skew > SKEW_SECONDS_WARNED:
        grade = Grade.PROBLEM if skew > SKEW_SECONDS_MAX else Grade.WARNING
        yield Finding(
            grade, f"The clock of {node.address} and this machine's differ by {abs(node.skew.seconds):.1f} s."
        )


def _settings(node: Node, allow_periodic: bool) -> Iterator[Finding]:
    if node.settings is None:
        yield Finding(Grade.WARNING, f"{node.address} does not show its settings: see by yourself that they hold.")
        return
    sync = node.settings.get("commitlog_sync")
    if sync not in ("batch", "group"):
        yield Finding(
            Grade.WARNING if allow_periodic else Grade.PROBLEM,
            f"{node.address} has commitlog_sync {sync}: nodes that fail together lose acknowledged writes; "
            "batch and group keep them.",
        )
    variant = node.settings.get("paxos_variant")
    if variant != "v2":
        yield Finding(Grade.PROBLEM, f"{node.address} has paxos_variant {variant}, not v2.")
    if node.settings.get("skip_paxos_repair_on_topology_change") == "true":
        yield Finding(
            Grade.PROBLEM,
            f"{node.address} has skip_paxos_repair_on_topology_change true: conditional writes may be lost when nodes "
            "come and go.",
        )
    found = re.fullmatch(r"(\d+)KiB", node.settings.get("max_mutation_size") or "")
    if found and int(found[1]) < MUTATION_KIB_WARNED:
        yield Finding(
            Grade.WARNING,
            f"{node.address} has max_mutation_size {found[0]}: large items with many indexes will be refused; "
            f"{MUTATION_KIB_WARNED}KiB and more are right (half of commitlog_segment_size).",
        )


def _access(facts: Facts) -> Iterator[Finding]:
    """Who gets in, and whether they still do when a node fails."""
    kinds = {str(node.settings.get("authenticator")) for node in facts.nodes if node.settings is not None}
    if any(kind.endswith("AllowAllAuthenticator") for kind in kinds):
        yield Finding(
            Grade.WARNING,
            "The nodes let everybody in (AllowAllAuthenticator): whoever reaches them can read and write all data.",
        )
    elif kinds and len(facts.nodes) > 1:
        replication = facts.nodes[0].keyspaces.get("system_auth", {})
        copies = [int(count) for name, count in replication.items() if name != "class"]
        if copies and max(copies) < min(COPIES, len(facts.nodes)):
            yield Finding(
                Grade.WARNING,
                f"The keyspace system_auth has fewer than {COPIES} copies: if those nodes fail, nobody can log in.",
            )
