"""What a web page can make a browser send, where signatures are not checked and where they are."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.wire.driver import Answer, Wire, raw, signed, signed_headers

from statordb.wire.browsers import BrowserRules
from statordb.wire.settings import WireSettings

EVIL = "https://evil.example"
RULES = BrowserRules({"https://console.example", "chrome-extension://abc"}, {"db.example"})


@pytest.fixture
def opened(make_wire: Callable[..., Wire]) -> Wire:
    return make_wire(open=True, settings=WireSettings(browsers=RULES))


def asked(wire: Wire, operation: str, **headers: str) -> Answer:
    (answer,) = wire.send(raw("POST", "/", signed_headers(operation) | headers, b"{}"))
    return answer


def is_refused(answer: Answer) -> bool:
    assert not [name for name in answer.headers if name.startswith("access-control")] or answer.status == 200
    return answer.status == 400 and answer.json["__type"].endswith("#AccessDeniedException")


@pytest.mark.parametrize("operation", ["Scan", "DeleteTable"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://evil.example/http://localhost"},
        {"Origin": "http://[::1"},
        {"Origin": "file://"},
        {"Origin": "ftp://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example:8000"},
        {"Host": "localhost.:8000"},
        {"Host": "localhost.evil.example"},
        {"Host": "local.evil.example"},
        {"Host": "evil.example."},
        {"Host": "printer:8000", "Origin": "http://printer:8000"},
        {"Host": "evil.local", "Origin": "http://evil.local"},
        {"Host": ""},
        {"Host": "localhost, evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_a_strangers_page_is_not_served(opened: Wire, operation: str, headers: dict[str, str]) -> None:
    """Nor twice, as what is known of a client is for others."""
    assert asked(opened, operation).status == 200
    assert is_refused(asked(opened, operation, **headers))
    assert is_refused(asked(opened, operation, **headers))
    assert len(opened.service.requests) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://app.localhost"},
        {"Origin": "https://127.0.0.1:8443"},
        {"Origin": "http://[::1]:3000"},
        {"Origin": "https://console.example"},
        {"Origin": "chrome-extension://abc"},
        {"Host": "127.0.0.1:8000"},
        {"Host": "[::1]:8000"},
        {"Host": "192.0.2.1"},
        {"Host": "host.docker.internal:8000"},
        {"Host": "dynamodb:8000"},
        {"Host": "dynamodb.default.svc.cluster.local"},
        {"Host": "host.containers.internal"},
        {"Host": "DB.example:8000"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_pages_of_this_machine_and_of_the_settings_are_served(opened: Wire, headers: dict[str, str]) -> None:
    answer = asked(opened, "Scan", **headers)
    assert answer.status == 200
    assert answer.headers.get("access-control-allow-origin") == headers.get("Origin")


def test_a_client_that_names_no_host_is_no_browser(opened: Wire) -> None:
    assert opened.send(signed().replace(b"Host: localhost:8000\r\n", b""))[0].status == 200


def test_a_large_body_of_a_page_is_not_taken(opened: Wire) -> None:
    """It is refused by its head."""
    connection, transport = opened.connect()
    connection.data_received(signed("PutItem", b"x" * 100_000, {"Origin": EVIL})[:1000])
    assert b"AccessDeniedException" in transport.out


@pytest.mark.parametrize("is_open", [True, False])
def test_a_strangers_preflight_is_refused(make_wire: Callable[..., Wire], is_open: bool) -> None:
    wire = make_wire(open=is_open, settings=WireSettings(browsers=RULES))
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-target"}
    (answer,) = wire.send(raw("OPTIONS", "/", {"Host": "localhost", "Origin": EVIL} | asks))
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    (answer,) = wire.send(raw("OPTIONS", "/", {"Host": "localhost", "Origin": "https://console.example"} | asks))
    assert (answer.status, answer.headers["access-control-allow-headers"]) == (200, "x-amz-target")


def test_where_signatures_are_checked_they_decide_and_a_strangers_page_reads_nothing(wire: Wire) -> None:
    (answer,) = wire.send(signed(headers={"Origin": EVIL, "Host": "db.example.com"}))
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_all_origins_can_be_let_in(make_wire: Callable[..., Any]) -> None:
    """Where signatures are checked; the settings refuse it where they are not."""
    wire = make_wire(settings=WireSettings(browsers=BrowserRules({"*"})))
    (answer,) = wire.send(signed(headers={"Origin": EVIL}))
    assert answer.headers["access-control-allow-origin"] == "*"
    (answer,) = wire.send(signed())
    assert "access-control-allow-origin" not in answer.headers


def test_what_is_known_is_bounded() -> None:
    rules = BrowserRules()
    for number in range(1000):
        assert not rules.cors(b"https://%d.example" % number)
        assert not rules.is_host(b"%d.example" % number)
    assert not rules.cors(b"https://" + b"a" * 10_000)
    assert max(len(rules._known_origins), len(rules._known_hosts)) == 256
    assert max(map(len, rules._known_origins)) < 256
