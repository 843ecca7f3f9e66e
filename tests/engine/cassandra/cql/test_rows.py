"""Statements that write rows of base partitions."""

import pytest

from statordb.engine.cassandra.cql import rows
from statordb.engine.cassandra.cql.rows import Found, Spot
from statordb.engine.cassandra.cql.session import Statement

PARTITION = b"\0p"
SPOT: Spot = (0, b"s")


@pytest.mark.parametrize(
    "statement",
    [
        rows.put("t", PARTITION, SPOT, b"body", 2, 1),
        rows.delete("t", PARTITION, SPOT, 2, 1),
        rows.touch("t", PARTITION, SPOT, Found(b"body", 1, None), 2),
        rows.touch("t", PARTITION, SPOT, Found(None, 1, None), 2),
        rows.put_held("t", PARTITION, SPOT, b"body", 2, b"id"),
        rows.put_held("t", PARTITION, SPOT, None, 2, b"id"),
        rows.keep("t", PARTITION, SPOT, 1),
        rows.hold("t", PARTITION, SPOT, b"id", 1),
        rows.release("t", PARTITION, SPOT, b"id"),
    ],
)
def test_a_version_is_never_written_without_its_body(statement: Statement) -> None:
    """A copy that missed the write of a body, and got that of a later version, would take one for the other's."""
    text, _ = statement
    assignments = text[text.index(" SET ") : text.index(" WHERE ")]
    assert ("version" in assignments) == ("body" in assignments)
    assert " IF " in text


def test_a_touched_row_has_the_body_that_it_had() -> None:
    text, values = rows.touch("t", PARTITION, SPOT, Found(b"body", 1, None), 2)
    assert "SET body = ?, version = ?" in text
    assert values[:2] == (b"body", 2)
    assert values[-2:] == (1, rows.NEVER)
