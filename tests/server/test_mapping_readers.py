"""Whose right to a stream counts for a mapping, as things are now."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.access.authority import Authority, root_of
from statordb.commands.policies import Policies
from statordb.commands.stream_readers import lasting_arn
from statordb.server.mapping_readers import may_read_for
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.functions.mappings import MappingRecord
from statordb.store.identities.identities import named
from statordb.store.identities.records import RoleRecord, UserRecord

ACCOUNT, REGION = PRINCIPAL.account, PRINCIPAL.region
ROLE, USER = f"arn:aws:iam::{ACCOUNT}:role/service/r", f"arn:aws:iam::{ACCOUNT}:user/ann"
TRUST = '{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}'
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:work"


class World:
    """A table with a stream, a function with a role, and a user."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.gate = Policies(api.store)
        self.stream = api(
            "CreateTable",
            TableName="abc",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )["TableDescription"]["LatestStreamArn"]
        function = FunctionRecord(ACCOUNT, REGION, "work", "python3.11", "f.f", ROLE, "", 0, "1", 0.0, "/nowhere")
        api.run(api.store.functions.change(ACCOUNT, REGION, "work", lambda _: function))
        self.role = RoleRecord(ACCOUNT, "r", "AROAR", "/service/", 0.0, trust=TRUST)
        self.user = UserRecord(ACCOUNT, "ann", "AIDAANN", "/", 0.0)
        self.give("role", "r", self.role)
        self.give("user", "ann", self.user)

    def give(self, sort: str, name: str, record: Any) -> None:
        self.api.run(self.api.store.identities.change(ACCOUNT, [named(sort, name)], lambda found: [record]))

    def reads(self, **statement: Any) -> dict[str, str]:
        """Inline policies that let read the stream."""
        allowed = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": self.stream, **statement}
        return {"p": json.dumps({"Version": "2012-10-17", "Statement": allowed})}

    def may(self, reader: str | None = "", function: str = FUNCTION) -> bool:
        record = MappingRecord("u", ACCOUNT, REGION, self.stream, function, "LATEST", 0.0, 0.0, reader=reader)
        found: bool = self.api.run(may_read_for(self.api.store, self.gate, record))
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    api = Api(tmp_path / "store")
    yield World(api)
    api.close()


def test_the_role_of_the_function_is_asked_each_time(world: World) -> None:
    assert not world.may()
    world.give("role", "r", replace(world.role, inline=world.reads()))
    assert world.may()
    world.give("role", "r", replace(world.role, inline=world.reads(Effect="Deny")))
    assert not world.may()
    world.give("role", "r", replace(world.role, path="/other/", inline=world.reads()))
    assert not world.may(), "another role of that name"
    world.give("role", "r", replace(world.role, trust=TRUST.replace("lambda", "ec2"), inline=world.reads()))
    assert not world.may(), "one that trusts no functions"
    world.give("role", "r", None)
    assert not world.may()


def test_the_policy_of_the_stream_counts(world: World) -> None:
    policy = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:GetRecords", "Resource": world.stream}
    world.give("role", "r", replace(world.role, inline=world.reads()))
    assert world.may()
    world.api(
        "PutResourcePolicy", ResourceArn=world.stream,
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )  # fmt: skip
    assert not world.may()


def test_so_is_who_has_set_the_function(world: World) -> None:
    assert not world.may(USER)
    world.give("user", "ann", replace(world.user, inline=world.reads()))
    assert world.may(USER)
    assert world.may(USER, "http://localhost:1/f")
    world.give("user", "ann", None)
    assert not world.may(USER)
    assert world.may(f"arn:aws:iam::{ACCOUNT}:root")
    assert not world.may("arn:aws:iam::999999999999:root"), "of another account"
    assert world.may(None), "made where nobody was asked"


def test_a_policy_that_cannot_be_read_gives_nothing(world: World) -> None:
    world.give("role", "r", replace(world.role, inline={"p": "{"}))
    assert not world.may()


def test_who_is_kept_is_who_lasts() -> None:
    """Sessions end; the user or role that they are of is asked later on."""
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
    session = Authority("role", arn, ACCOUNT, "AROAR:s", facts={"aws:PrincipalArn": ROLE})
    federated = Authority("federated", f"arn:aws:sts::{ACCOUNT}:federated-user/bob", ACCOUNT, f"{ACCOUNT}:bob")
    user = Authority("user", USER, ACCOUNT, "AIDAANN", "ann")
    identities = (session, federated, user, root_of(ACCOUNT))
    told = [lasting_arn(PRINCIPAL._replace(authority=each, arn=each.arn)) for each in identities]
    assert told == [ROLE, "", USER, f"arn:aws:iam::{ACCOUNT}:root"]
