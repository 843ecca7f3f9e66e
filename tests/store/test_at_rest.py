"""Nothing of an item but its sort keys is readable in any file of the store."""

import io
import tarfile
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest
from tests.in_process import Api
from tests.store.fixtures import fill
from tests.store.test_formats import FIXTURES, Opened

from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Effects, Key, StoreUnusable
from statordb.engine.lmdb import environment
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.keys import SPREAD
from statordb.store.sealed.engine import SealedEngine

TABLE = {
    "TableName": "planted",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "gk", "lk")],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "global",
            "KeySchema": [{"AttributeName": "gk", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "local",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "lk", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
SECRET = "planted-value"  # in every value but those of sort keys
SORTED = "sorted-by-this"  # in those


@pytest.fixture
def api(directory: Path) -> Iterator[Api]:
    made = Api(directory)
    yield made
    made.close()


def planted(number: int, size: int = 0) -> dict[str, Any]:
    return {
        "pk": {"S": f"{SECRET}-partition-{number}"},
        "sk": {"S": f"{SORTED}-{number}"},
        "gk": {"S": f"{SECRET}-global-{number}"},
        "lk": {"S": f"{SORTED}-local-{number}"},
        "ttl": {"N": str(4_102_444_800 + number)},
        f"{SECRET}-name": {"M": {"deep": {"L": [{"S": f"{SECRET}-deep"}, {"B": b64encode(SECRET.encode()).decode()}]}}},
        "large": {"S": f"{SECRET}-" * (size // len(SECRET))},
    }


def files(directory: Path) -> bytes:
    """All that lies in a data directory but the root keys."""
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def test_nothing_that_is_planted_is_found_but_sort_keys(api: Api, directory: Path) -> None:
    """In items small and large, index entries, entries of logs, tokens, tables' records and tags; after writes,
    updates, transactions, deletions and restarts."""
    api("CreateTable", **TABLE, Tags=[{"Key": f"{SECRET}-tag", "Value": SECRET}])
    api("UpdateTimeToLive", TableName="planted", TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True})
    for number in range(6):
        api("PutItem", TableName="planted", Item=planted(number, 20_000 * number))
    key = {name: planted(1)[name] for name in ("pk", "sk")}
    update = {"UpdateExpression": "SET #a = :v", "ExpressionAttributeNames": {"#a": "added"}}
    api("UpdateItem", TableName="planted", Key=key, **update, ExpressionAttributeValues={":v": {"S": SECRET}})
    api("DeleteItem", TableName="planted", Key={name: planted(2)[name] for name in ("pk", "sk")})
    api(
        "TransactWriteItems", ClientRequestToken=f"{SECRET}-token",
        TransactItems=[{"Put": {"TableName": "planted", "Item": planted(7)}}],
    )  # fmt: skip
    api.keep()
    api.restart()
    assert api("GetItem", TableName="planted", Key=key)["Item"]["added"] == {"S": SECRET}
    assert len(api("Scan", TableName="planted")["Items"]) == 6
    found = files(directory)
    assert SORTED.encode() in found, "the judge reads what the store has written"
    for secret in (SECRET.encode(), b64encode(SECRET.encode()), b"AttributeName", b'{"S":"'):
        assert secret not in found


def test_functions_code_and_what_they_are_asked_is_not_found(api: Api, directory: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{SECRET}.py", f"{SECRET}")
    api.run(api.store.functions.put_code(packed.getvalue()))
    assert SECRET.encode() not in files(directory)


OPEN_FIXTURES = [path for path in FIXTURES if path.name[0] in "13"]  # later ones are sealed


@pytest.mark.parametrize("fixture", OPEN_FIXTURES, ids=lambda path: path.name.partition(".")[0])
def test_a_store_of_before_has_nothing_readable_left(fixture: Path, directory: Path) -> None:
    """Not in pages either that are free now."""
    traces = (b'"v":{"M"', b'"S":"g0"', b"AttributeName")
    with tarfile.open(fixture) as packed:
        before = packed.extractfile("data.mdb")
        assert before is not None
        kept = before.read()
    assert all(trace in kept for trace in traces)
    opened = Opened(fixture, directory)
    assert len(opened("Scan", TableName="orders")["Items"]) == fill.ITEMS + 1
    opened.close()
    found = (directory / "data.mdb").read_bytes()
    assert not any(trace in found for trace in traces)


def test_a_disk_without_room_to_seal_a_store_is_told_and_loses_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(env: Any) -> None:
        raise lmdb.DiskError("mdb_txn_commit: No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(environment, "clean_store", full)
        with pytest.raises(StoreUnusable, match="as much free room on the disk as the store has"):
            Opened(FIXTURES[0], directory)
    api = Api(directory)
    assert len(api("Scan", TableName="orders")["Items"]) == fill.ITEMS + 1
    api.close()


async def _moved(directory: Path, rows: list[Key], to: list[Key]) -> None:
    """Have whole rows as they lie in the file stand at other places."""
    engine = LmdbEngine.open(directory, durable=False, digest=SPREAD)
    kept = await engine.read(rows)
    writes = [(key, None if row is None else row.body) for key, row in zip(to, kept, strict=True)]
    await engine.update(to, lambda stored: Effects(writes=writes))
    await engine.close()


def test_a_row_that_was_swapped_or_torn_is_refused_and_never_returned(api: Api, directory: Path) -> None:
    api("CreateTable", **TABLE)
    for number in range(2):
        api("PutItem", TableName="planted", Item=planted(number))
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    (table,) = api.run(api.store.catalog.all())
    keys = [
        engine.ring.places.key(Key(table.space, planted(n)["pk"]["S"].encode(), planted(n)["sk"]["S"].encode()))
        for n in range(2)
    ]
    api.close()
    api.run(_moved(directory, keys, keys[::-1]))
    api.open()
    for number in range(2):
        with pytest.raises(Unsealable, match="damaged or belongs elsewhere"):
            api("GetItem", TableName="planted", Key={name: planted(number)[name] for name in ("pk", "sk")})
    with pytest.raises(Unsealable):
        api("Scan", TableName="planted")
