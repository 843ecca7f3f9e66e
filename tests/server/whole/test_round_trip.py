"""`statordb backup`, a store that is lost, and `statordb restore`: what comes back."""

from pathlib import Path

import pytest
from tests.archive.backed_up import check_whole, items, put
from tests.in_process import Api
from tests.server.whole.lost_store import backed_up, lost, made, moment_of, restored, small


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "place"


def test_a_table_comes_back_with_its_items_indexes_totals_and_settings(
    tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = made(tmp_path / "data", Tags=[{"Key": "a", "Value": "b"}])
    before, shown = items(api), api("DescribeTable", TableName="abc")["Table"]
    code, told = backed_up(api, place, capsys)
    assert (code, told.split(" of ")[0]) == (0, "Backed up 300 items")
    code, told = restored(place, lost(api), tmp_path / "new", capsys)
    assert (code, told.split(" of ")[0]) == (0, "Restored 300 items")
    again = Api(tmp_path / "new")
    check_whole(again, "abc", before)
    assert again("DescribeTable", TableName="abc")["Table"] == shown
    assert again("ListTagsOfResource", ResourceArn=shown["TableArn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    again.keep()
    check_whole(again, "abc", before)
    again.close()


def test_streams_begin_anew_under_their_names(tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api = made(tmp_path / "data", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    before = api("DescribeTable", TableName="abc")["Table"]["LatestStreamArn"]
    assert backed_up(api, place, capsys)[0] == 0
    code, told = restored(place, lost(api), tmp_path / "new", capsys)
    assert code == 0, told
    assert "table/abc: its stream, and what is sent of it, begin anew" in told
    again = Api(tmp_path / "new")
    assert again("DescribeTable", TableName="abc")["Table"]["LatestStreamArn"] == before
    (shard,) = again("DescribeStream", StreamArn=before)["StreamDescription"]["Shards"]
    asked = {"StreamArn": before, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = again("GetShardIterator", **asked)["ShardIterator"]
    assert again("GetRecords", ShardIterator=iterator)["Records"] == []
    put(again, "new")
    iterator = again("GetShardIterator", **asked)["ShardIterator"]
    (record,) = again("GetRecords", ShardIterator=iterator)["Records"]
    assert record["dynamodb"]["Keys"]["p"] == {"S": "new"}
    again.keep()
    again.close()


def test_items_expire_after_all(tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api = made(tmp_path / "data")
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
    api("PutItem", TableName="abc", Item={"p": {"S": "due"}, "s": {"S": "x"}, "ends": {"N": str(int(api.clock.now()))}})
    api("PutItem", TableName="abc", Item={"p": {"S": "far"}, "s": {"S": "x"}, "ends": {"N": "1900000000"}})
    assert backed_up(api, place, capsys)[0] == 0
    assert restored(place, lost(api), tmp_path / "new", capsys)[0] == 0
    again = Api(tmp_path / "new")
    again.clock.advance(1000)
    again.keep()
    assert {"due/x", "far/x"} & set(items(again)) == {"far/x"}
    again.close()


def test_what_was_written_behind_the_moment_is_not_there(
    tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = made(tmp_path / "data")
    before = items(api)
    assert backed_up(api, place, capsys)[0] == 0
    put(api, "late")
    api("CreateTable", **small("later"))
    assert restored(place, lost(api), tmp_path / "new", capsys)[0] == 0
    again = Api(tmp_path / "new")
    check_whole(again, "abc", before)
    assert again("ListTables")["TableNames"] == ["abc"]
    again.close()


def test_one_of_several_moments_is_named(tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api = made(tmp_path / "data")
    before = items(api)
    first = moment_of(backed_up(api, place, capsys)[1])
    put(api, "late")
    backed_up(api, place, capsys)
    keys = lost(api)
    assert restored(place, keys, tmp_path / "old", capsys, "--at", first)[0] == 0
    assert restored(place, keys, tmp_path / "new", capsys)[0] == 0
    for directory, expected in (("old", set(before)), ("new", {*before, "late/x"})):
        again = Api(tmp_path / directory)
        assert set(items(again)) == expected
        again.close()


def test_a_table_that_is_being_deleted_stays_gone(
    tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = made(tmp_path / "data")
    api("CreateTable", **small("gone"))
    api("DeleteTable", TableName="gone")
    assert backed_up(api, place, capsys)[0] == 0
    assert restored(place, lost(api), tmp_path / "new", capsys)[0] == 0
    again = Api(tmp_path / "new")
    assert again("ListTables")["TableNames"] == ["abc"]
    again.close()
