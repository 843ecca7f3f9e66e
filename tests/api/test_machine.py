"""Any writes and reads against a plain dict: a table with a local, a global and a sparse index of several attributes.

After any history each index holds just what the items say, counts are exact, and a query gives its rows in order, in
both directions, however it is cut into pages.
"""

import shutil
import tempfile
from collections.abc import Callable
from functools import cmp_to_key
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.in_process import Api

from statordb.model.values import compare, item_size

Item = dict[str, Any]

# Names, sort keys in order of schema, and what an index keeps.
PATHS: dict[str | None, tuple[tuple[str, ...], tuple[str, ...], set[str] | None]] = {
    None: (("p",), ("c",), None),
    "local": (("p",), ("l",), {"p", "c", "l"}),
    "global": (("g",), ("c",), None),
    "several": (("g", "h"), ("l", "s"), {"p", "c", "g", "h", "l", "s", "z"}),
}
TYPES = {"p": "S", "c": "N", "l": "S", "g": "S", "h": "B", "s": "N"}

partitions = st.sampled_from(["a", "b"]).map(lambda text: {"S": text})
sorts = st.integers(-3, 3).map(lambda number: {"N": str(number)})
texts = st.sampled_from(["x", "x\0", "xy", "é"]).map(lambda text: {"S": text})
binaries = st.sampled_from(["AA==", "AAA=", "/w=="]).map(lambda text: {"B": text})
keys = st.fixed_dictionaries({"p": partitions, "c": sorts})
contents = st.fixed_dictionaries(
    {}, optional={"l": texts, "g": texts, "h": binaries, "s": sorts, "z": texts, "more": texts}
)
operators = st.sampled_from([None, "=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"])


def elements(*parts: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind} for kind, names in zip(("HASH", "RANGE"), parts, strict=True)
        for name in names
    ]  # fmt: skip


def projection(kept: set[str] | None, *parts: tuple[str, ...]) -> dict[str, Any]:
    if kept is None:
        return {"ProjectionType": "ALL"}
    others = sorted(kept - {"p", "c"}.union(*parts))
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": others} if others else {"ProjectionType": "KEYS_ONLY"}


class Table(RuleBasedStateMachine):
    """One table, its model a dict by (p, c)."""

    @initialize()
    def create(self) -> None:
        self.directory = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.api = Api(self.directory)
        self.model: dict[tuple[str, str], Item] = {}
        indexes = {
            name: {
                "IndexName": name,
                "KeySchema": elements(hashes, ranges),
                "Projection": projection(kept, hashes, ranges),
            }
            for name, (hashes, ranges, kept) in PATHS.items()
        }
        self.api(
            "CreateTable",
            TableName="abc",
            KeySchema=elements(("p",), ("c",)),
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": type} for name, type in TYPES.items()],
            LocalSecondaryIndexes=[indexes["local"]],
            GlobalSecondaryIndexes=[indexes["global"], indexes["several"]],
            BillingMode="PAY_PER_REQUEST",
        )

    @rule(key=keys, content=contents)
    def put(self, key: Item, content: Item) -> None:
        place = key["p"]["S"], key["c"]["N"]
        answer = self.api("PutItem", TableName="abc", Item={**key, **content}, ReturnValues="ALL_OLD")
        assert answer.get("Attributes") == self.model.get(place)
        self.model[place] = {**key, **content}

    @rule(key=keys)
    def delete(self, key: Item) -> None:
        old = self.model.pop((key["p"]["S"], key["c"]["N"]), None)
        answer = self.api("DeleteItem", TableName="abc", Key=key, ReturnValues="ALL_OLD")
        assert answer.get("Attributes") == old

    @rule(key=keys, content=contents, removed=st.sets(st.sampled_from(["l", "g", "h", "s", "z"])))
    def update(self, key: Item, content: Item, removed: set[str]) -> None:
        """Sets some attributes and removes others."""
        removed = removed - content.keys()
        text = ("SET " + ", ".join(f"#{name} = :{name}" for name in content) if content else "") + (
            " REMOVE " + ", ".join(f"#{name}" for name in sorted(removed)) if removed else ""
        )
        if not text:
            return
        request: dict[str, Any] = {"ExpressionAttributeNames": {f"#{name}": name for name in {*content, *removed}}}
        if content:
            request["ExpressionAttributeValues"] = {f":{name}": value for name, value in content.items()}
        answer = self.api(
            "UpdateItem", TableName="abc", Key=key, UpdateExpression=text, ReturnValues="ALL_NEW", **request
        )
        place = key["p"]["S"], key["c"]["N"]
        if place not in self.model and not content:  # removals alone make no item
            assert "Attributes" not in answer
            return
        item = {**self.model.get(place, key), **content}
        self.model[place] = {name: value for name, value in item.items() if name not in removed}
        assert answer["Attributes"] == self.model[place]

    @rule(key=keys, other=keys, content=contents)
    def transact(self, key: Item, other: Item, content: Item) -> None:
        if key == other:
            return
        self.api(
            "TransactWriteItems",
            TransactItems=[
                {"Put": {"TableName": "abc", "Item": {**key, **content}}},
                {"Delete": {"TableName": "abc", "Key": other}},
            ],
        )
        self.model[key["p"]["S"], key["c"]["N"]] = {**key, **content}
        self.model.pop((other["p"]["S"], other["c"]["N"]), None)

    @rule()
    def restart(self) -> None:
        self.api.restart()

    @rule(
        data=st.data(),
        name=st.sampled_from(list(PATHS)),
        forward=st.booleans(),
        limit=st.one_of(st.none(), st.integers(1, 3)),
        operator=operators,
    )
    def query(self, data: st.DataObject, name: str | None, forward: bool, limit: int | None, operator: Any) -> None:
        hashes, ranges, kept = PATHS[name]
        values = {"S": texts, "N": sorts, "B": binaries}
        drawn = {each: data.draw(partitions if each == "p" else values[TYPES[each]]) for each in (*hashes, *ranges)}
        asked = [f"{each} = :{each}" for each in hashes]
        tests: list[Callable[[Item], bool]] = [equal(each, drawn[each]) for each in hashes]
        used = set(hashes)
        if operator is not None:
            *first, last = ranges[: data.draw(st.integers(1, len(ranges)))]
            asked += [f"{each} = :{each}" for each in first]
            tests += [equal(each, drawn[each]) for each in first]
            used |= {*first, last}
            if operator == "begins_with" and TYPES[last] == "N":
                operator = ">="
            text, test = condition(operator, last, drawn[last])
            asked.append(text)
            tests.append(test)
        request = {
            "KeyConditionExpression": " AND ".join(asked),
            "ExpressionAttributeValues": {f":{each}": drawn[each] for each in used},
            "ScanIndexForward": forward,
        }
        wanted = [
            item
            for item in self.model.values()
            if all(each in item for each in (*hashes, *ranges)) and all(test(item) for test in tests)
        ]
        found = self.pages("Query", name, limit, request)
        assert by_key(found) == by_key([cut(item, kept) for item in wanted])

        def side(a: Item, b: Item) -> int:
            return next((each for name in ranges if (each := compare(a[name], b[name]))), 0)

        order = cmp_to_key(side)
        places = [order(item) for item in found]
        assert places == sorted(places, reverse=not forward)

    @rule(name=st.sampled_from(list(PATHS)), limit=st.one_of(st.none(), st.integers(1, 3)), total=st.integers(1, 3))
    def scan(self, name: str | None, limit: int | None, total: int) -> None:
        hashes, ranges, kept = PATHS[name]
        found: list[Item] = []
        for segment in range(total):
            found += self.pages("Scan", name, limit, {"Segment": segment, "TotalSegments": total})
        wanted = [item for item in self.model.values() if all(each in item for each in (*hashes, *ranges))]
        assert by_key(found) == by_key([cut(item, kept) for item in wanted])

    def pages(self, operation: str, name: str | None, limit: int | None, request: dict[str, Any]) -> list[Item]:
        """All items of a Query or Scan, page by page."""
        request = {**request, "TableName": "abc"}
        if name is not None:
            request["IndexName"] = name
        if limit is not None:
            request["Limit"] = limit
        found: list[Item] = []
        while True:
            answer = self.api(operation, **request)
            assert answer["Count"] == answer["ScannedCount"] == len(answer["Items"])
            assert limit is None or answer["Count"] <= limit
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return found
            assert answer["Count"] == limit
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    @invariant()
    def counts_are_exact(self) -> None:
        if not hasattr(self, "api"):
            return
        table = self.api("DescribeTable", TableName="abc")["Table"]
        assert table["ItemCount"] == len(self.model)
        assert table["TableSizeBytes"] == sum(map(item_size, self.model.values()))
        for index in [*table["LocalSecondaryIndexes"], *table["GlobalSecondaryIndexes"]]:
            hashes, ranges, kept = PATHS[index["IndexName"]]
            held = [item for item in self.model.values() if all(each in item for each in (*hashes, *ranges))]
            assert index["ItemCount"] == len(held)
            assert index["IndexSizeBytes"] == sum(item_size(cut(item, kept)) + 100 for item in held)

    def teardown(self) -> None:
        if hasattr(self, "api"):
            self.api.close()
            self.api.loop.close()
            shutil.rmtree(self.directory)


def equal(name: str, value: Item) -> Callable[[Item], bool]:
    return lambda item: bool(item[name] == value)


def condition(operator: str, name: str, value: Item) -> tuple[str, Callable[[Item], bool]]:
    """Text of a condition on a sort key attribute, and what it means."""
    if operator == "BETWEEN":
        return f"{name} BETWEEN :{name} AND :{name}", equal(name, value)
    if operator == "begins_with":
        (prefix,) = value.values()
        return f"begins_with({name}, :{name})", lambda item: next(iter(item[name].values())).startswith(prefix)
    meaning: dict[str, Callable[[int], bool]] = {
        "=": lambda side: side == 0,
        "<": lambda side: side < 0,
        "<=": lambda side: side <= 0,
        ">": lambda side: side > 0,
        ">=": lambda side: side >= 0,
    }
    return f"{name} {operator} :{name}", lambda item: meaning[operator](compare(item[name], value))


def cut(item: Item, kept: set[str] | None) -> Item:
    return item if kept is None else {name: value for name, value in item.items() if name in kept}


def by_key(items: list[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (item["p"]["S"], int(item["c"]["N"])))


TestTable = pytest.mark.slow(Table.TestCase)
TestTable.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
