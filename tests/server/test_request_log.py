"""The log of requests: who asked what of which table, and what became of it; never what an item or a key holds."""

import logging
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from tests.wire.driver import KEY, SECRET, Clock, FakeService, Wire, raw, signed

from statordb.server.request_log import PARSED_BYTES_MAX, RequestLog, tables_of

Lines = Callable[[bytes], list[dict[str, Any]]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """The facts of the lines that some bytes from a client make."""
    wire = Wire(Clock(), FakeService())
    told = RequestLog(wire.service, wire.observe)
    wire.context.service, wire.context.observe = told, told.observe

    def send(data: bytes) -> list[dict[str, Any]]:
        caplog.clear()
        answers = wire.send(data)
        records = [record for record in caplog.records if record.name == "statordb.server.request_log"]
        assert len(wire.observed) >= len(answers), "others count on"
        return [record.__dict__ | {"event": record.message} for record in records]

    caplog.set_level(logging.DEBUG)
    return send


def test_a_request_is_one_line(lines: Lines) -> None:
    body = orjson.dumps({"TableName": "songs", "Key": {"p": {"S": "confidential"}}})
    (line,) = lines(signed("GetItem", body, {"User-Agent": "app/1"}))
    assert (line["event"], line["operation"], line["table"], line["status"]) == ("request", "GetItem", "songs", 200)
    assert (line["region"], line["access_key_id"], line["user_agent"]) == ("eu-west-1", KEY, "app/1")
    assert (line["bytes_in"], line["bytes_out"] > 0, line["milliseconds"] >= 0) == (len(body), True, True)
    assert len(line["request_id"]) == 52
    assert "error" not in line
    shown = str(line)
    assert "confidential" not in shown
    assert SECRET not in shown


def test_a_refused_request_is_told_with_what_it_called_itself(lines: Lines) -> None:
    """Whoever has a wrong key looks for just this line."""
    (line,) = lines(signed("PutItem", b"{}", secret_key="wrong"))
    assert (line["operation"], line["status"], line["error"]) == ("PutItem", 400, "InvalidSignatureException")
    assert "access_key_id" not in line


def test_a_presigned_url_is_told_without_its_signature(lines: Lines) -> None:
    (line,) = lines(raw("GET", "/some/where?X-Amz-Signature=abcdef", {"Host": "a"}))
    assert (line["path"], line["status"], line["operation"]) == ("/some/where", 404, "-")
    assert "abcdef" not in str(line)


def test_what_is_no_request_is_told_as_well(lines: Lines) -> None:
    (line,) = lines(b"nonsense\r\n\r\n")
    assert (line["status"], line["operation"]) == (400, "-")


def test_what_a_client_calls_itself_can_not_write_lines_of_its_own(lines: Lines) -> None:
    (line,) = lines(signed("GetItem", b'{"TableName":"a\\nb"}', {"User-Agent": "x" * 2000}))
    assert line["table"] == "a?b"
    assert len(line["user_agent"]) == 256


@pytest.mark.parametrize(
    ("document", "tables"),
    [
        ({"RequestItems": {"a": [], "b": []}}, "a,b"),
        (
            {"TransactItems": [{"Put": {"TableName": "b"}}, {"Get": {"TableName": "a"}}, {"Put": {"TableName": "b"}}]},
            "b,a",
        ),
        ({"StreamArn": "arn:x"}, "arn:x"),
        ({"ResourceArn": "arn:y"}, "arn:y"),
        ({"RequestItems": {f"t{n}": [] for n in range(12)}}, "t0,t1,t2,t3,t4,t5,t6,t7,t8,t9,..."),
        ({"TableName": 1, "RequestItems": [], "TransactItems": [1, {"Put": 2}]}, ""),
        ({"Statement": "SELECT a, 'FROM x' FROM \"my-table\".idx WHERE p = 'secret'"}, "my-table"),
        ({"Statements": [{"Statement": "UPDATE a SET b = 1"}, {"Statement": "from c"}, {"Statement": 1}, 2]}, "a,c"),
        ({"TransactStatements": [{"Statement": "EXISTS(SELECT * FROM a)"}, {"Statement": "DELETE FROM b"}]}, "a,b"),
        ({"Statement": 'insert into "arn:aws:dynamodb:r:1:table/t" value {}'}, "arn:aws:dynamodb:r:1:table/t"),
        ([], ""),
    ],
)
def test_the_tables_of_a_request(document: Any, tables: str) -> None:
    assert tables_of(orjson.dumps(document)) == tables


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "FROM",
        "SELECT",
        "SELECT * FROM 'a'",
        "SELECT # FROM a",
        "CREATE TABLE a",
        "INSERT a",
        "UPDATE " + "a" * 600,
        "SELECT " + "a, " * 200 + "a FROM b",
    ],
)
def test_a_statement_that_names_no_table_near_its_beginning(statement: str) -> None:
    assert tables_of(orjson.dumps({"Statement": statement})) == ""


def test_large_and_broken_bodies_are_not_looked_into() -> None:
    assert tables_of(b"{") == ""
    assert tables_of(b'{"TableName":"abc"' + b" " * PARSED_BYTES_MAX + b"}") == ""
