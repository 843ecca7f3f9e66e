"""`statordb cluster check`: what is told of a cluster, by made-up facts."""

import json
from pathlib import Path
from typing import Any

import pytest

from statordb.server import cluster_commands
from statordb.server.cluster_facts import Facts, Node, Skew
from statordb.server.cluster_findings import MURMUR3, Finding, Grade, judge
from statordb.server.main import main

GOOD = {
    "commitlog_sync": "batch",
    "paxos_variant": "v2",
    "skip_paxos_repair_on_topology_change": "false",
    "max_mutation_size": "16384KiB",
    "authenticator": "PasswordAuthenticator",
}
REPLICATION = {"class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "dc1": "3"}
KEYSPACES = {"statordb": REPLICATION, "system_auth": REPLICATION}


def node(number: int, **other: Any) -> Node:
    settings = GOOD | other.pop("settings", {})
    return Node(
        f"10.0.0.{number}", "dc1", f"rack{number}", "5.0.9", "a", MURMUR3, Skew(0.0, 0.001), settings, {}, KEYSPACES
    )._replace(**other)


def cluster(silent: dict[str, str] | None = None, **third: Any) -> Facts:
    """Three nodes, the third of which is special."""
    return Facts([node(1), node(2), node(3, **third)], silent or {})


def told(facts: Facts, allow_periodic: bool = False, keyspace: str = "statordb") -> list[tuple[str, str]]:
    """Grade and text of what is not right."""
    findings = judge(facts, "dc1", keyspace, allow_periodic)
    return [(finding.grade.value, finding.text) for finding in findings if finding.grade is not Grade.OK]


def test_a_good_cluster() -> None:
    """What is right is told as well: who checks wants to see what was looked at."""
    findings = judge(cluster(), "dc1", "statordb", False)
    assert {finding.grade for finding in findings} == {Grade.OK}
    assert findings[0] == Finding(Grade.OK, "10.0.0.1 answers: release 5.0.9, datacenter dc1, rack1, clock +0 ms")
    assert findings[-1].text == "The keyspace statordb: copies 3, nodes 3, racks 3."


@pytest.mark.parametrize(
    ("facts", "grade", "part"),
    [
        (cluster({"10.0.0.4": "refused"}), "problem", "10.0.0.4 does not answer: refused"),
        (cluster(release="5.0.8"), "warning", "several releases: 5.0.8, 5.0.9"),
        (cluster(release="4.0.1"), "problem", "4.1 or later is needed"),
        (cluster(partitioner="Random"), "problem", "has the partitioner Random"),
        (cluster(schema="b"), "problem", "do not agree on the schema"),
        (cluster(datacenter="dc2"), "problem", "10.0.0.3 is not in the datacenter dc1"),
        (cluster(rack="rack2"), "warning", "3 copies on 2 racks"),
        (Facts([*cluster().nodes, node(4, rack="rack1")], {}), "warning", "rack1 2, rack2 1, rack3 1 nodes"),
        (Facts([node(1), node(2)], {}), "problem", "more copies than there are nodes that answer"),
        (cluster(skew=Skew(-2.0, 0.01)), "problem", "differ by 2.0 s"),
        (cluster(skew=Skew(0.3, 0.01)), "warning", "differ by 0.3 s"),
        (cluster(settings={"commitlog_sync": "periodic"}), "problem", "lose acknowledged writes"),
        (cluster(settings={"paxos_variant": "v1"}), "problem", "has paxos_variant v1, not v2"),
        (cluster(settings={"skip_paxos_repair_on_topology_change": "true"}), "problem", "may be lost"),
        (cluster(settings={"max_mutation_size": "1024KiB"}), "warning", "max_mutation_size 1024KiB"),
        (cluster(settings={"authenticator": "AllowAllAuthenticator"}), "warning", "let everybody in"),
    ],
)
def test_what_is_wrong_is_told(facts: Facts, grade: str, part: str) -> None:
    assert any(found == grade and part in text for found, text in told(facts)), told(facts)


def test_a_clock_that_may_be_right_is_not_blamed() -> None:
    assert told(cluster(skew=Skew(1.5, 1.45))) == []


def test_periodic_commit_logs_can_be_allowed() -> None:
    ((grade, _),) = told(cluster(settings={"commitlog_sync": "periodic"}), allow_periodic=True)
    assert grade == "warning"


def test_settings_that_are_not_shown() -> None:
    """Their release number says nothing then: it may be another server that speaks the language."""
    facts = Facts([node(number)._replace(settings=None, release="3.0.8") for number in (1, 2, 3)], {})
    assert [(grade, "does not show its settings" in text) for grade, text in told(facts)] == [("warning", True)] * 3


@pytest.mark.parametrize(
    ("keyspaces", "grade", "part"),
    [
        ({}, "warning", 'no keyspace statordb yet: "statordb cluster init"'),
        ({"statordb": {"class": "x.SimpleStrategy"}}, "problem", "SimpleStrategy, not NetworkTopologyStrategy"),
        ({"statordb": REPLICATION | {"dc1": "1"}}, "warning", "no node may fail"),
        (
            {"statordb": {"class": "x.NetworkTopologyStrategy", "dc9": "3"}},
            "problem",
            "no copies in the datacenter dc1",
        ),
        ({"statordb": REPLICATION, "system_auth": {"class": "x", "replication_factor": "1"}}, "warning", "system_auth"),
    ],
)
def test_copies(keyspaces: dict[str, dict[str, str]], grade: str, part: str) -> None:
    """No keyspace yet, or too few copies: of the server's rows, or of the users and passwords of Cassandra itself."""
    facts = Facts([node(number, keyspaces=keyspaces) for number in (1, 2, 3)], {})
    assert any(found == grade and part in text for found, text in told(facts)), told(facts)


def test_nobody_there() -> None:
    """One sentence, not a finding for each of all that can't be known then."""
    assert ("problem", "No node of the datacenter dc1 answers.") in told(Facts([], {"a": "refused"}))


@pytest.mark.parametrize("code", [0, 1])
def test_what_is_done_to_a_cluster_is_told_to_the_audit_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    async def init(settings: Any) -> int:
        return code

    monkeypatch.setattr(cluster_commands, "_init", init)
    monkeypatch.setenv("STATORDB_AUDIT_DIRECTORY", str(tmp_path / "audit"))
    words = ["--engine", "cassandra", "--cassandra", "127.0.0.1", "--datacenter", "dc1", "--keyspace", "carts"]
    assert main(["cluster", "init", *words]) == code
    (entry,) = [json.loads(line) for path in (tmp_path / "audit").iterdir() for line in path.read_text().splitlines()]
    assert (entry["eventName"], entry["exitCode"]) == ("cluster init", code)
    assert entry["requestParameters"] == {"keyspace": "carts", "datacenter": "dc1"}
