"""Requests of any kind to tables of three kinds, answered on the short way and on the long one."""

from typing import Any

import orjson
import pytest
from hypothesis import strategies as st
from tests.in_process import Api

from statordb.api import dispatch
from statordb.store.table import Table

RETURNS = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
TABLES = {"one": "pS", "two": "pN cS", "bin": "pB cN"}


def make_tables(api: Api) -> Api:
    for name, definitions in TABLES.items():
        words = definitions.split()
        api(
            "CreateTable",
            TableName=name,
            KeySchema=[
                {"AttributeName": word[0], "KeyType": kind}
                for word, kind in zip(words, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": word[0], "AttributeType": word[1]} for word in words],
            BillingMode="PAY_PER_REQUEST",
        )
    api("PutItem", TableName="one", Item={"p": {"S": "a"}, "v": {"S": "é"}})
    api("PutItem", TableName="two", Item={"p": {"N": "1"}, "c": {"S": "a"}, "v": {"L": []}})
    api("PutItem", TableName="bin", Item={"p": {"B": "YQ=="}, "c": {"N": "1"}})
    return api


contents = st.sampled_from(
    ["a", "1", "1.0", "YQ==", "YQ", "", "x" * 300, "1" * 39, None, True, 1, 1.5, [], ["a"], {}, {"S": "a"}]
)
values = st.one_of(
    st.builds(lambda tag, content: {tag: content}, st.sampled_from(["S", "N", "B", "NULL", "SS", "X"]), contents),
    st.just({"S": "a", "N": "1"}),
    st.just({"S": "a", "N": None}),
    st.just({}),
    contents,
)
usual = st.sampled_from([{"S": "a"}, {"N": "1"}, {"N": "1.0"}, {"B": "YQ=="}])
keys = st.one_of(
    st.dictionaries(st.sampled_from(["p", "c", "d"]), st.one_of(usual, values), max_size=3),
    contents,
)


def outcome(api: Api, operation: str, document: Any) -> Any:
    reply = api.reply(operation, orjson.dumps(document))
    assert not api.faults, (document, api.faults)
    return reply.status, orjson.loads(reply.body)


def check(api: Api, operation: str, document: Any) -> None:
    short = outcome(api, operation, document)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch, "SHORTCUTS", {})
        assert outcome(api, operation, document) == short
    with pytest.MonkeyPatch.context() as patch:  # as of an engine whose rows have to be waited for
        patch.setattr(Table, "here", property(lambda table: None, Table.here.__set__))  # type: ignore[attr-defined]
        assert outcome(api, operation, document) == short


LARGE = {"S": "x" * 100_000}
