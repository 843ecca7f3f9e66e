"""Rows of tables that have a key of KMS: what they are sealed under, and what a process has at hand for that."""

from base64 import b64decode, b64encode
from collections.abc import Iterator

import pytest
from tests.api.kms_calls import kms, new_key
from tests.api.table_keys import (
    AMPLE,
    DAY,
    SCOPE,
    all_by,
    by_hash,
    create,
    data_keys,
    item,
    items,
    put,
    records,
    sealed_by,
    sse,
    table_of,
)
from tests.engine.sealed import seal
from tests.in_process import Api, Fault
from tests.kms_api.test_imports import MATERIAL, wrapped
from tests.kms_api.test_rsa import PRIVATE

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer, Unsealable
from statordb.engine.contract import Bounds, Effects, Key
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.lane import LaneEngine
from statordb.model.errors import ClientError
from statordb.model.values import item_size
from statordb.store.image import Image
from statordb.store.kms.pairs import Pairs
from statordb.store.kms.records import OWNED
from statordb.store.sealed import table_keys
from statordb.store.sealed.engine import SealedEngine
from statordb.store.store import Store


@pytest.fixture
def api(api: Api) -> Iterator[Api]:
    yield api
    assert not api.faults


@pytest.fixture
def key(api: Api) -> str:
    return new_key(api)


def test_rows_of_every_kind_are_sealed_under_the_key_of_their_table(api: Api, key: str) -> None:
    create(api, key)
    for number in range(3):
        put(api, number)
    api("TransactWriteItems", TransactItems=[{"Put": {"TableName": "abc", "Item": item(3)}}])
    assert sealed_by(api) == all_by(f"kms:{key}#0", 4)


def test_the_keys_of_the_store_do_not_open_them(api: Api, key: str) -> None:
    """Who has them, but not the material of the key, has nothing of the rows: as one who has taken a copy of the store
    when the key was gone."""
    create(api, key)
    put(api, 1)
    table, engine = table_of(api), api.store.engine
    assert isinstance(engine, SealedEngine)
    thief = api.run(seal(engine.under, api.directory))
    row = Key(table.space, b"p1", b"001")
    with pytest.raises(Unsealable, match="sealed under a key of KMS"):
        api.run(thief.get(row))
    for space in (table.space, *(index.space for index in table.indexes), table.expiry.space):  # type: ignore[union-attr]
        with pytest.raises(Unsealable, match="sealed under a key of KMS"):
            api.run(thief.scan(space, 0, 1, AMPLE))
    with pytest.raises(Unsealable, match="sealed under a key of KMS"):
        thief.here.page(table.space, b"p1", Bounds(), True, AMPLE)  # type: ignore[union-attr]

    kms(api, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    api.clock.advance(7 * DAY)
    api.keep()
    with pytest.raises(ClientError, match="KMS key not found error"):
        api.run(api.another().engine.get(row))


def test_a_disabled_key_is_forgotten_by_all_processes(api: Api, key: str) -> None:
    """A data key that was unwrapped before is not used any more, whoever asks for the row."""
    create(api, key)
    put(api, 1)
    row = Key(table_of(api).space, b"p1", b"001")
    other = api.another()
    engines = [api.store.engine, other.engine]
    for engine in engines:
        assert api.run(engine.get(row)) is not None
    kms(api, "DisableKey", KeyId=key)
    for store, engine in zip((api.store, other), engines, strict=True):
        assert isinstance(engine, SealedEngine)
        engine.ring.tables.heed()
        table = api.run(store.catalog.find(*SCOPE))
        assert table.closed is not None
        for each in (row, row._replace(partition=b"new")):
            written = Effects(writes=((each, b"{}"),))
            with pytest.raises(ClientError, match="KMS key disabled error"):
                api.run(engine.update((each,), lambda stored, written=written: written))
        with pytest.raises(ClientError, match="KMS key disabled error"):
            api.run(engine.get(row))
        with pytest.raises(ClientError, match="KMS key disabled error"):
            engine.here.body(*row)  # type: ignore[union-attr]
    kms(api, "EnableKey", KeyId=key)
    for engine in engines:
        assert api.run(engine.get(row)) is not None


def test_a_process_has_one_data_key_a_key(api: Api, key: str) -> None:
    """However often something about the key changes, it unwraps that again, and goes on with its numbers."""
    create(api, key)
    put(api, 0)
    before = data_keys(api)
    for number in range(1, 5):
        kms(api, "UpdateKeyDescription", KeyId=key, Description=str(number))
        put(api, number)
        api("UpdateTable", TableName="abc", DeletionProtectionEnabled=bool(number % 2))
        put(api, number + 10)
    assert data_keys(api) == before
    assert len(items(api)) == 9
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    nonces = [body[5:17] for body in api.run(engine.under.scan(table_of(api).space, 0, 1, AMPLE)).bodies]
    assert len(set(nonces)) == len(nonces)


def test_what_a_space_is_sealed_with_is_forgotten_with_its_table(api: Api, key: str) -> None:
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    for _ in range(3):
        create(api, key)
        put(api, 1)
        assert engine.ring.tables.covers.by_space
        api("DeleteTable", TableName="abc")
        api.keep()
    assert not engine.ring.tables.covers.by_space


def test_a_table_that_is_read_again_and_let_go_leaves_others_as_they_were(api: Api, key: str) -> None:
    """Somebody else has it since before, and writes."""
    create(api, key)
    put(api, 0)
    table = table_of(api)
    made = Image.of(item(1), item_size(item(1)))
    for _ in range(2):
        table_of(api)
    api.store.catalog._tables.clear()
    keys = api.store.engine.ring.tables  # type: ignore[attr-defined]
    later = keys.cover([table.space], table.guard[1] + 1, OWNED)  # another process may have written that just now
    assert keys.covers.by_space[table.space].sealer is None
    del later
    api.run(table.write(table.primary.key(item(1)), lambda old: made))
    assert sealed_by(api) == all_by(f"kms:{key}#0", 2)


def test_more_keys_than_are_kept_at_hand(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are put away seal with a data key of theirs again when they are needed."""
    monkeypatch.setattr(table_keys, "SEALERS_MAX", 2)
    arns = [new_key(api) for _ in range(4)]
    for number, arn in enumerate(arns):
        api(
            "CreateTable", TableName=f"table{number}", KeySchema=by_hash("p"), BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}], SSESpecification=sse(arn),
        )  # fmt: skip
    for round in "ab":
        for number in range(4):
            api("PutItem", TableName=f"table{number}", Item={"p": {"S": round}})
    api.restart()
    assert [api("Scan", TableName=f"table{number}")["Count"] for number in range(4)] == [2] * 4


def test_a_lane_has_data_keys_of_its_own(api: Api, key: str) -> None:
    """It has them registered, and its rows written, by a worker."""
    create(api, key)
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    worker = engine.under
    assert isinstance(worker, LmdbEngine)
    lane = LaneEngine(worker._env, worker._epoch, worker._digest, worker.apply)
    store = Store(api.run(seal(lane, api.directory)), api.clock, sealer=Sealer(FileKeys(api.directory)))
    table = api.run(store.catalog.find(*SCOPE))
    for number in range(3):
        made = Image.of(item(number), item_size(item(number)))
        api.run(table.write(table.primary.key(item(number)), lambda old, made=made: made))
    assert sealed_by(api) == all_by(f"kms:{key}#0", 3)
    assert items(api) == [item(number) for number in range(3)]


def test_nothing_is_left_of_a_stream_when_a_deleted_key_is_gone(api: Api, key: str) -> None:
    """Its records are not sealed under the table's key, but are gone by then."""
    create(api, key)
    put(api, 1)
    engine, log = api.store.engine, table_of(api).record.log
    assert isinstance(engine, SealedEngine)
    assert log is not None
    kms(api, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    assert records(api) == 1
    (_, shard), *_ = log.shards
    assert len(api.run(engine.under.log(log.space, shard.encode(), 0, AMPLE))) == 1
    api.clock.advance(2 * DAY)
    api.keep()
    assert not api.run(engine.under.log(log.space, shard.encode(), 0, AMPLE))


def bring(api: Api, key: str, until: float) -> None:
    """Import material into a key, until a time."""
    algorithm = "RSAES_OAEP_SHA_256"
    told = kms(api, "GetParametersForImport", KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048")
    sent = b64encode(wrapped(b64decode(told["PublicKey"]), algorithm, MATERIAL)).decode()
    given = {"ImportToken": told["ImportToken"], "EncryptedKeyMaterial": sent, "ValidTo": until}
    kms(api, "ImportKeyMaterial", KeyId=key, **given)


def test_a_table_whose_imported_key_is_taken_away_is_closed_until_it_is_brought_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the material has expired, too; all processes forget what it has unwrapped."""

    async def made(pairs: Pairs, spec: str) -> bytes:
        return PRIVATE

    monkeypatch.setattr(Pairs, "make", made)
    key = kms(api, "CreateKey", Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    with pytest.raises(Fault, match="is pending import"):
        create(api, key)
    bring(api, key, api.clock.now() + DAY)
    create(api, key)
    put(api, 1)
    row = Key(table_of(api).space, b"p1", b"001")
    engine, get = api.store.engine, {"TableName": "abc", "Key": {name: item(1)[name] for name in "ps"}}
    for how in ("deleted", "expired"):
        assert api("GetItem", **get)["Item"] == item(1)
        if how == "deleted":
            kms(api, "DeleteImportedKeyMaterial", KeyId=key)
        else:
            api.clock.advance(DAY)
            api.keep()
        told = api.refused("GetItem", **get)
        assert (told.code, f"{key} is pending import." in told.message) == ("ValidationException", True)
        assert api.refused("PutItem", TableName="abc", Item=item(2)).code == "ValidationException"
        with pytest.raises(ClientError, match="is pending import"):
            api.run(engine.get(row))
        bring(api, key, api.clock.now() + DAY)
    assert api("GetItem", **get)["Item"] == item(1)
