"""ReturnItemCollectionMetrics: the size of all items of one partition key, of tables that have a local index."""

import pytest
from tests.api_suite.conftest import Client

NO_METRICS = pytest.mark.deviates("dynamodb-local", "it never tells the size of an item collection")


@NO_METRICS
def test_every_single_write_tells_the_collection(client: Client, indexed_table: str, unique: str) -> None:
    item = {"p": {"S": unique}, "c": {"S": "x"}}
    request = {"TableName": indexed_table, "ReturnItemCollectionMetrics": "SIZE"}
    for reply in (
        client.put_item(Item=item, **request),
        client.update_item(Key=item, UpdateExpression="REMOVE nothing", **request),
        client.delete_item(Key=item, **request),
    ):
        metrics = reply["ItemCollectionMetrics"]
        assert metrics["ItemCollectionKey"] == {"p": {"S": unique}}
        low, high = metrics["SizeEstimateRangeGB"]
        assert (low, high) == (0.0, 1.0)


@NO_METRICS
def test_batches_and_transactions_tell_them_by_table(client: Client, indexed_table: str, unique: str) -> None:
    item = {"p": {"S": unique}, "c": {"S": "x"}}
    writes = {indexed_table: [{"PutRequest": {"Item": item}}]}
    reply = client.batch_write_item(RequestItems=writes, ReturnItemCollectionMetrics="SIZE")
    assert [each["ItemCollectionKey"] for each in reply["ItemCollectionMetrics"][indexed_table]] == [{"p": item["p"]}]
    actions = [{"Put": {"TableName": indexed_table, "Item": item}}]
    reply = client.transact_write_items(TransactItems=actions, ReturnItemCollectionMetrics="SIZE")
    assert [each["ItemCollectionKey"] for each in reply["ItemCollectionMetrics"][indexed_table]] == [{"p": item["p"]}]


def test_a_table_without_a_local_index_has_no_collections(client: Client, sort_table: str, unique: str) -> None:
    item = {"p": {"S": unique}, "c": {"N": "1"}}
    assert "ItemCollectionMetrics" not in client.put_item(
        TableName=sort_table, Item=item, ReturnItemCollectionMetrics="SIZE"
    )
