"""The program of the documentation's page on streams, as a reader would copy it, but for the endpoint."""

import re
from pathlib import Path

import pytest
from tests.consumers.writers import tables_client

PAGE = Path(__file__).parents[2] / "docs" / "streams.md"


def test_the_first_program_works(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    client = tables_client(server)
    client.create_table(
        TableName="carts",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "user", "AttributeType": "S"}],
    )
    program = re.search(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert program is not None
    begin, loop = program[1].replace("http://localhost:8000", server).split("for shard in", 1)
    names: dict[str, object] = {}
    exec(begin, names)
    client.put_item(TableName="carts", Item={"user": {"S": "ada"}})  # a new stream has nothing to tell yet
    exec("for shard in" + loop, names)
    client.delete_table(TableName="carts")
    assert capsys.readouterr().out.strip() == "INSERT {'user': {'S': 'ada'}}"
