"""The heavy requests are what they are called, and their load ends by itself."""

import gzip
import json
import re

import pytest

import breadth
import heavy
from isolation import ALONE_TIMES, GOAL_MS

NAMED = re.compile(rb'"TableName": ?"([^"]*)"')


@pytest.mark.slow
def test_every_heavy_request_speaks_of_tables_that_are_filled() -> None:
    filled = {table for table, _ in heavy.items(0.01)}
    assert filled == set(heavy.TABLES)
    for case in heavy.cases():
        body = gzip.decompress(case.body) if case.coding else case.body
        for table in set(NAMED.findall(body)):  # some have a million members, and take seconds to be parsed
            assert table.decode() in filled, case.name


@pytest.mark.slow
def test_names_of_heavy_requests_are_their_own() -> None:
    """A line of the table is found by its name."""
    names = [case.name for case in heavy.cases()]
    assert len(set(names)) == len(names) >= 14
    assert (GOAL_MS, ALONE_TIMES) == (10.0, 2.5)


def test_the_breadth_has_sixteen_kinds_over_tables_that_are_made() -> None:
    assert len({kind.name for kind in breadth.KINDS}) == 16
    for kind in breadth.KINDS:
        asked = kind.body(7)
        named = asked.get("TableName") or next(iter(asked.get("RequestItems", {"plain": None})))
        assert named in breadth.TABLES


def test_a_batch_names_no_item_twice() -> None:
    """Such a batch would be refused, and a fast refusal is no result."""
    for kind in breadth.KINDS:
        if kind.operation == "BatchWriteItem":
            puts = kind.body(1999)["RequestItems"]["plain"]
            keys = {json.dumps([put["PutRequest"]["Item"][name] for name in ("pk", "sk")]) for put in puts}
            assert len(keys) == len(puts) == 25
