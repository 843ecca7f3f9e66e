"""PartiQL by its fixtures: files of statements, with their parameters, their plans, and answers or refusals.

A file is read from top to bottom on the tables of `TABLES`. Blocks are separated by empty lines; a block is

    put Tab {"pk": "a"}             an item that is put (any number of such lines), or
    SELECT * FROM "T"             a statement, perhaps of several lines; then, each in one line:
    ? "a"                         a parameter
    with {"Limit": 1}             further members of the request; "NextToken": true is the last answer's
    plan query                    of a SELECT: get, query, queries or scan
    = {"pk": "a"}                 an item of the answer (`=` alone: an empty one); without such lines there are none
    more                          the answer has a NextToken
    ! Code: text                  the refusal, instead of an answer

Values are JSON in short form: a string is S, a number N, a list L, an object M, unless it is one in wire form.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.in_process import Api

from statordb.expressions.partiql.statement_tree import Select
from statordb.expressions.partiql.statements import STATEMENTS
from statordb.model.limits import STATEMENT_NESTING_MAX

FIXTURES = sorted((Path(__file__).parent / "partiql").glob("*.txt"))
_TAGS = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))


def _key(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys if sort is None else [*keys, {"AttributeName": sort, "KeyType": "RANGE"}]


TABLES: list[dict[str, Any]] = [
    {
        "TableName": "Tab",
        "KeySchema": _key("pk", "sk"),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": type_}
            for name, type_ in (("pk", "S"), ("sk", "N"), ("l", "S"), ("g", "S"), ("h", "N"))
        ],
        "LocalSecondaryIndexes": [
            {"IndexName": "Loc", "KeySchema": _key("pk", "l"), "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "Glo",
                "KeySchema": _key("g", "h"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
            }
        ],
        "BillingMode": "PAY_PER_REQUEST",
    },
    {
        "TableName": "Hsh",
        "KeySchema": _key("id"),
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
]


def wire(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | float):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [wire(member) for member in value]}
    if len(value) == 1 and value.keys() <= _TAGS:
        return dict(value)
    return {"M": {name: wire(member) for name, member in value.items()}}


def item(text: str) -> dict[str, Any]:
    return {name: wire(value) for name, value in orjson.loads(text or "{}").items()}


def plan_of(api: Api, text: str) -> str:
    statement = STATEMENTS.statement(text)
    table = api.run(api.store.catalog.reload("000000000000", "us-east-1", statement.table))
    path = table.path(statement.index)
    keyed = statement.keyed(path.schema)
    if keyed is None:
        return "scan"
    if keyed.exact and path.name is None:
        return "get"
    return "query" if keyed.combinations == 1 else "queries"


class Block:
    """A statement and what is expected of it."""

    def __init__(self, lines: list[str]) -> None:
        self.items: list[dict[str, Any]] = []
        self.parameters: list[Any] = []
        self.members: dict[str, Any] = {}
        self.plan = self.refusal = ""
        self.more = False
        text = []
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "?":
                self.parameters.append(wire(orjson.loads(rest)))
            elif word == "with":
                self.members = orjson.loads(rest)
            elif word == "plan":
                self.plan = rest
            elif word == "=":
                self.items.append(item(rest))
            elif word == "more":
                self.more = True
            elif word == "!":
                self.refusal = rest
            else:
                text.append(line)
        self.text = "\n".join(text)

    def request(self, token: str | None) -> dict[str, Any]:
        request: dict[str, Any] = {"Statement": self.text, **self.members}
        if self.parameters:
            request["Parameters"] = self.parameters
        if request.get("NextToken") is True:
            request["NextToken"] = token
        return request


def run(api: Api, block: Block, token: str | None) -> str | None:
    """What is wrong is told with the statement. Gives the NextToken."""
    if block.refusal:
        fault = api.refused("ExecuteStatement", **block.request(token))
        assert f"{fault.code}: {fault.message}" == block.refusal, block.text
        return None
    answer = api("ExecuteStatement", **block.request(token))
    if block.plan and "NextToken" not in block.members:  # the text is known now, and the short way may be taken
        assert api("ExecuteStatement", **block.request(token)) == answer, block.text
    items, expected = answer["Items"], block.items
    if block.plan == "scan":
        items, expected = (sorted(each, key=lambda found: orjson.dumps(found)) for each in (items, expected))
    assert items == expected, block.text
    assert ("NextToken" in answer) is block.more, block.text
    assert ("LastEvaluatedKey" in answer) is block.more, block.text
    if block.plan:
        assert plan_of(api, block.text) == block.plan, block.text
    return answer.get("NextToken")


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_fixtures(api: Api, path: Path) -> None:
    for table in TABLES:
        api("CreateTable", **table)
    token = None
    for text in path.read_text().split("\n\n"):
        lines = [line for line in text.splitlines() if line and not line.startswith("# ")]
        for line in lines:
            if line.startswith("put "):
                _, table_name, content = line.split(" ", 2)
                api("PutItem", TableName=table_name, Item=item(content))
        if lines and not lines[0].startswith("put "):
            token = run(api, Block(lines), token)


def test_every_fixture_tells_the_plan_of_its_selects() -> None:
    """So that no change of a plan goes unseen."""
    for path in FIXTURES:
        for text in path.read_text().split("\n\n"):
            lines = [line for line in text.splitlines() if line and not line.startswith("# ")]
            if lines and lines[0].upper().startswith("SELECT") and not any(line.startswith("!") for line in lines):
                block = Block(lines)
                assert block.plan in ("get", "query", "queries", "scan"), block.text
                assert isinstance(STATEMENTS.statement(block.text).node, Select)


@pytest.mark.parametrize(
    "nested",
    [
        lambda levels: "SELECT * FROM Hsh WHERE " + "(" * levels + "id = 1" + ")" * levels,
        lambda levels: "SELECT * FROM Hsh WHERE id = " + "(" * levels + "1" + ")" * levels,
        lambda levels: "UPDATE Hsh SET n = " + "(" * levels + "1" + ")" * levels + " WHERE id = 1",
        lambda levels: "UPDATE Hsh SET n = n" + " + 1" * levels + " WHERE id = 1",
        lambda levels: "UPDATE Hsh SET n = " + "1 + (" * levels + "n" + ")" * levels + " WHERE id = 1",
    ],
    ids=["conditions", "operands", "values", "sums", "sums within"],
)
def test_a_statement_is_nested_to_a_bound(api: Api, nested: Callable[[int], str]) -> None:
    """What is parsed and run goes by the depth of its tree: nothing may run out of stack."""
    for table in TABLES:
        api("CreateTable", **table)
    api("PutItem", TableName="Hsh", Item={"id": {"N": "1"}, "n": {"N": "1"}})
    deepest = STATEMENT_NESTING_MAX - 1  # the whole condition is a level, too
    api("ExecuteStatement", Statement=nested(deepest))
    refused = api.refused("ExecuteStatement", Statement=nested(STATEMENT_NESTING_MAX + 1))
    assert refused.message == (
        f"The statement has too many nesting levels; nesting levels: {STATEMENT_NESTING_MAX + 1}"
    )


def test_calls_are_nested_to_a_bound(api: Api) -> None:
    """Those of size(), which is the only function that may be an operand of itself."""
    levels = STATEMENT_NESTING_MAX + 1
    statement = f"SELECT * FROM Hsh WHERE {'size(' * levels}a{')' * levels} = 1"
    assert api.refused("ExecuteStatement", Statement=statement).message == (
        f"The statement has too many nesting levels; nesting levels: {levels}"
    )
