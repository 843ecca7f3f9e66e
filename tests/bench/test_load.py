"""What is sent, and what is read of wrk's answer."""

import json

import pytest

from cases import CASES, PAYLOAD_BYTES, USERS, bodies, changing_puts, item, list_items, small_item
from load import LoadFailed, Sample, parse, script, together


def test_the_same_requests_each_time() -> None:
    # Two servers, and two rounds, must be asked the same.
    for case in CASES:
        assert bodies(case.operation, "t", USERS, 50) == bodies(case.operation, "t", USERS, 50)


def test_an_item_is_about_one_kilobyte() -> None:
    assert PAYLOAD_BYTES < len(json.dumps(item(1))) < 1100


def test_a_small_item_is_about_300_bytes() -> None:
    assert 250 < len(json.dumps(small_item(1))) < 320


@pytest.mark.slow
def test_each_put_changes_its_item_in_turns_and_from_run_to_run() -> None:
    # A put that changes nothing gives a stream nothing, and would make one look cheap.
    stored: dict[str, str] = {}
    for run in (5, 5, 6):
        for body in changing_puts("t", USERS, run):
            put = json.loads(body)["Item"]
            assert stored.get(put["pk"]["S"]) != put["n"]["N"]
            stored[put["pk"]["S"]] = put["n"]["N"]
    assert len(stored) == USERS // 2


def test_list_items_are_in_one_collection() -> None:
    items = list(list_items())
    assert {entry["pk"]["S"] for entry in items} == {"list"}
    assert len({entry["sk"]["S"] for entry in items}) == len(items)


def test_keys_stay_within_the_users() -> None:
    keys = {json.loads(body)["Key"]["pk"]["S"] for body in bodies("GetItem", "t", 3, 100)}
    assert keys == {"user#00000000", "user#00000001", "user#00000002"}


def test_a_script_quotes_what_lua_would_read() -> None:
    # In Lua as in JSON: a backslash before quotes, \r\n for line ends.
    text = script([b'POST / HTTP/1.1\r\n\r\n{"a":"b\\\\"}'])
    assert r'requests[#requests + 1] = "POST / HTTP/1.1\r\n\r\n{\"a\":\"b\\\\\"}"' in text


def test_the_result_is_read_from_wrks_output() -> None:
    sample = parse("Running 2s test\nRESULT requests=1000 us=2000000 p50=1500 p99=9000 status=3 socket=4\n")
    assert (sample.rate, sample.p50_ms, sample.p99_ms, sample.errors) == (500.0, 1.5, 9.0, 7)


def test_no_result_is_a_failure_with_wrks_last_words() -> None:
    with pytest.raises(LoadFailed, match="unable to connect"):
        parse("Running 2s test\nunable to connect to 127.0.0.1:1 Connection refused\n")


def test_no_answer_at_all_is_a_failure() -> None:
    with pytest.raises(LoadFailed, match="no answer, and 16 socket errors"):
        parse("RESULT requests=0 us=2000000 p50=0 p99=0 status=0 socket=16\n")


def test_what_several_servers_did_at_once_adds_up() -> None:
    assert together([Sample(100, 1.0, 9.0, 1), Sample(50, 2.0, 3.0, 0)]) == Sample(150, 2.0, 9.0, 1)
