"""`statordb verify`: what it tells, and its exit codes."""

from pathlib import Path

import pytest
from tests.in_process import Api

from statordb.engine.contract import Effects, Key
from statordb.server.main import main
from statordb.store.sealed.engine import SealedEngine


def stored(directory: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["verify", "--data", str(directory), *words])
    return code, capsys.readouterr().out


@pytest.fixture
def api(tmp_path: Path) -> Api:
    (tmp_path / "data").mkdir(mode=0o700)
    made = Api(tmp_path / "data")
    made(
        "CreateTable",
        TableName="told",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return made


def put(api: Api, text: str) -> None:
    api("PutItem", TableName="told", Item={"p": {"S": "planted-key"}, "v": {"S": text}})


def test_a_store_that_is_as_it_was_written(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    put(api, "one")
    api.close()
    code, told = stored(api.directory, capsys)
    assert code == 0
    assert told.splitlines()[-1].endswith("0 index entries and 1 records of changes: no faults.")


def test_a_row_that_was_put_back_is_told_without_its_key_but_where_that_is_asked_for(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    put(api, "one")
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    (record,) = api.run(api.store.catalog.all())
    place = engine.ring.places.key(Key(record.space, b"planted-key", b""))
    before = api.run(engine.under.get(place)).body
    put(api, "two")
    api.run(engine.under.update((place,), lambda rows: Effects(writes=((place, before),))))
    api.close()
    code, told = stored(api.directory, capsys)
    assert code == 1
    first, _, last = told.splitlines()
    assert first.startswith("LOG 000000000000/us-east-1/told row ")
    assert last.endswith(": 1 fault.")
    assert "planted-key" not in told
    code, told = stored(api.directory, capsys, "--show-keys")
    assert code == 1
    assert '{"p": {"S": "planted-key"}}' in told


def test_it_needs_a_store(tmp_path: Path) -> None:
    assert main(["verify", "--data", str(tmp_path / "none")]) == 2
