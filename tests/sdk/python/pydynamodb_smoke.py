"""PyDynamoDB, a database driver that speaks PartiQL. Arguments: endpoint, name of a table to make."""

# ruff: noqa: PT017  # no pytest here
# mypy: disable-error-code="import-not-found"
import sys
from typing import Any

from botocore.config import Config
from pydynamodb import connect
from pydynamodb.error import OperationalError

URL, TABLE = sys.argv[1:]
PATIENT = Config(connect_timeout=240, read_timeout=240)
INSERT = f"INSERT INTO \"{TABLE}\" VALUE {{'owner': ?, 'number': ?, 'colour': ?, 'tags': ?}}"


def tables(cursor: Any) -> None:
    columns = "owner string PARTITION KEY, number numeric SORT KEY, colour string"
    index = "INDEX by_colour GLOBAL (colour PARTITION KEY) Projection.ProjectionType ALL"
    cursor.execute(f"CREATE TABLE {TABLE} ({columns}, {index}) BillingMode PAY_PER_REQUEST")
    cursor.execute("SHOW TABLES")
    assert TABLE in [row[0] if isinstance(row, tuple) else row for row in cursor.fetchall()]


def items(cursor: Any) -> None:
    cursor.execute(INSERT, ["ann", 1, "red", ["a", {"deep": None}]])
    cursor.executemany(INSERT, [["ann", number, "blue", []] for number in range(2, 6)])
    cursor.execute(f'SELECT * FROM "{TABLE}" WHERE owner = ? AND number = ?', ["ann", 1])
    (row,) = cursor.fetchall()
    assert dict(zip((each[0] for each in cursor.description), row, strict=True)) == {
        "owner": "ann",
        "number": 1,
        "colour": "red",
        "tags": ["a", {"deep": None}],
    }
    try:
        cursor.execute(INSERT, ["ann", 1, "red", []])
    except OperationalError as refused:
        assert "DuplicateItemException" in str(refused)
    else:
        raise AssertionError("an item was inserted twice")
    cursor.execute(f'UPDATE "{TABLE}" SET colour = ? WHERE owner = ? AND number = ?', ["green", "ann", 2])
    cursor.execute(f'DELETE FROM "{TABLE}" WHERE owner = ? AND number = ?', ["ann", 5])


def selects(cursor: Any) -> None:
    cursor.execute(f'SELECT number FROM "{TABLE}" WHERE owner = ? AND number > ? LIMIT 2', ["ann", 1])
    assert cursor.fetchall() == [(2,), (3,)]
    cursor.execute(f'SELECT number, colour FROM "{TABLE}" WHERE colour = ?', ["green"])
    assert cursor.fetchall() == [(2, "green")]
    cursor.execute(f'SELECT number FROM "{TABLE}"."by_colour" WHERE colour = ?', ["red"])
    assert cursor.fetchall() == [(1,)]


def transaction(connection: Any, cursor: Any) -> None:
    connection.begin()
    for number in (1, 2):
        cursor.execute(INSERT, ["bob", number, "red", []])
    connection.commit()
    cursor.execute(f'SELECT number FROM "{TABLE}" WHERE owner = ?', ["bob"])
    assert cursor.fetchall() == [(1,), (2,)]


made = connect(region_name="us-east-1", endpoint_url=URL, config=PATIENT)
there = made.cursor()
tables(there)
items(there)
selects(there)
transaction(made, there)
there.execute(f"DROP TABLE {TABLE}")
