"""Who may have some attributes of some items gets no others, whatever is asked for: a random user who looks for them.

What comes out of the server is judged, not what a policy was said to know of a request: whatever names a hidden value
in a way that nobody has thought of shows here.
"""

import inspect
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.access.kit import policy
from tests.fuzz.requests import TABLE, definition
from tests.fuzz.restricted import ARN, OTHER, OWN, any_request
from tests.in_process import Api

from statordb.access.authority import Authority
from statordb.access.document import Policy
from statordb.model.request import Principal, Request

pytestmark = pytest.mark.slow

REQUESTS = 1000
SECRET = "hidden"  # in what the user may not have, and in no request
USER = f"arn:aws:iam::000000000000:user/{OWN}"
ACTIONS = (
    "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "ConditionCheckItem", "PartiQLSelect",
    "PartiQLUpdate", "PartiQLDelete",
)  # fmt: skip
RESTRICTED = (
    policy(
        {
            "Action": [f"dynamodb:{action}" for action in ACTIONS],
            "Resource": [ARN, f"{ARN}/index/local"],
            "Condition": {
                "ForAllValues:StringEquals": {
                    "dynamodb:LeadingKeys": ["${aws:username}"],
                    "dynamodb:Attributes": ["p", "c", "a", "b", "n", "l"],
                },
                "StringEqualsIfExists": {
                    "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
                    "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW", "MODIFIED_OLD", "MODIFIED_NEW"],
                },
            },
        },
        {
            "Effect": "Deny",
            "Action": "dynamodb:PartiQLSelect",
            "Condition": {"Bool": {"dynamodb:FullTableScan": "true"}},
        },
    ),
)


class World:
    """A table of own and of others' items, and a user."""

    def __init__(self, api: Api, policies: tuple[Policy, ...]) -> None:
        self.api = api
        authority = Authority("user", USER, "000000000000", "AIDAOWN", OWN, policies)
        self.user = Principal("000000000000", "AKIAOWN", "us-east-1", USER, authority)
        self.outcomes: Counter[str] = Counter()
        api("CreateTable", **definition(TABLE))
        self.fill()

    def fill(self) -> None:
        for partition in (OWN, OTHER):
            told = {"S": "told" if partition == OWN else SECRET}
            hidden = {"s": {"S": SECRET}, "m": {"M": {"a": {"S": SECRET}, "deep": {"S": SECRET}}}}
            for number in range(5):
                key = {"p": {"S": partition}, "c": {"N": str(number)}, "n": {"N": str(number)}}
                self.api("PutItem", TableName=TABLE, Item={**key, "a": told, "b": told, "l": {"L": [told]}, **hidden})

    def others(self) -> list[Any]:
        found = self.api("Scan", TableName=TABLE, ConsistentRead=True)["Items"]
        return sorted((item for item in found if item["p"]["S"] == OTHER), key=lambda item: int(item["c"]["N"]))

    def ask(self, operation: str, body: dict[str, Any]) -> bytes:
        async def handle() -> Any:
            reply = self.api.dispatcher.handle(Request(operation, orjson.dumps(body), self.user, "id"))
            return await reply if inspect.isawaitable(reply) else reply

        reply = self.api.run(handle())
        if self.api.faults:
            raise self.api.faults.pop()
        self.outcomes[f"{operation} {reply.status}"] += 1
        return bytes(reply.body)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    made = Api(tmp_path / "store")
    yield made
    made.close()


def searched(world: World, chance: random.Random, count: int) -> list[Any]:
    """Requests whose answers have what the user may not have, and changes of what is not theirs."""
    found: list[Any] = []
    before = world.others()
    for number in range(count):
        operation, body = any_request(chance)
        if SECRET.encode() in world.ask(operation, body):
            found.append((operation, body))
        if number % 20 == 19:
            if world.others() != before:
                found.append("an item of somebody else was changed")
            world.fill()
    return found


def test_nothing_hidden_comes_out_and_nothing_of_others_is_changed(api: Api) -> None:
    seed = int.from_bytes(os.urandom(4))
    world = World(api, RESTRICTED)
    assert searched(world, random.Random(seed), REQUESTS) == [], f"seed {seed}"
    done = {outcome.partition(" ")[0] for outcome in world.outcomes if outcome.endswith(" 200")}
    assert {"Query", "GetItem", "UpdateItem", "ExecuteStatement"} <= done, "what is allowed can be done"


def test_the_judge_finds_what_comes_out_where_everything_is_allowed(api: Api) -> None:
    world = World(api, (policy({}),))
    found = searched(world, random.Random(1), 100)
    assert "an item of somebody else was changed" in found
    assert {each[0] for each in found if isinstance(each, tuple)} >= {"Query", "ExecuteStatement"}
