"""Client request tokens are forgotten when their ten minutes are over, and not before."""

import pytest
from tests.in_process import Api

from statordb.engine.contract import PageBudget
from statordb.keeper.tokens import Tokens
from statordb.store import forgetting
from statordb.store.keyspace import Space


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "_CHUNK", PageBudget(3, 1 << 20))


def write(api: Api, token: str) -> None:
    item = {"TableName": "abc", "Item": {"p": {"S": "a"}}}
    api("TransactWriteItems", ClientRequestToken=token, TransactItems=[{"Put": item}])


def kept(api: Api) -> int:
    return len(api.run(api.store.engine.scan(Space.TOKENS, 0, 1, PageBudget(1000, 1 << 20))).bodies)


def test_expired_tokens_are_forgotten_chunk_by_chunk(api: Api) -> None:
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(10):
        write(api, f"old-{number}")
    api.clock.advance(599)
    for number in range(4):
        write(api, f"young-{number}")
    duty = Tokens(api.store)
    while api.run(duty.run_once()):
        pass
    assert kept(api) == 14
    api.clock.advance(1)
    assert api.run(duty.run_once())  # one chunk, and there is more
    assert 11 <= kept(api) < 14
    while api.run(duty.run_once()):
        pass
    assert kept(api) == 4
    api.clock.advance(600)
    while api.run(duty.run_once()):
        pass
    assert kept(api) == 0
