def test_one_item_comes_and_goes(api):
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "c", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"p": {"S": "a"}, "c": {"N": "1"}}
    assert api("PutItem", TableName="abc", Item={**key, "v": {"N": "1.0"}}) == {}
    assert api("GetItem", TableName="abc", Key=key) == {"Item": {**key, "v": {"N": "1"}}}
    api.restart()
    answer = api(
        "Query",
        TableName="abc",
        KeyConditionExpression="p = :p AND c > :c",
        ExpressionAttributeValues={":p": {"S": "a"}, ":c": {"N": "0"}},
    )
    assert answer == {"Items": [{**key, "v": {"N": "1"}}], "Count": 1, "ScannedCount": 1}
    assert api("DeleteItem", TableName="abc", Key=key, ReturnValues="ALL_OLD")["Attributes"]["v"] == {"N": "1"}
    assert api("Scan", TableName="abc") == {"Items": [], "Count": 0, "ScannedCount": 0}
    api("DeleteTable", TableName="abc")
    assert api.refused("GetItem", TableName="abc", Key=key).code == "ResourceNotFoundException"
