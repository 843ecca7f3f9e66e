"""The routes, asked as a web server asks them, over carts in a dict."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cart_store import CartStore
from recommendation_store import RecommendationStore
from service import app


class Table:
    """Stands in for the boto3 client: one table without conflicts. `fault` is raised by every write; `together` is what
    queries find of a product."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.fault: Exception | None = None
        self.together: dict[str, dict[str, int]] = {}

    def query(self, **request: Any) -> dict[str, Any]:
        found = self.together.get(request["ExpressionAttributeValues"][":product"]["S"], {})
        return {"Items": [{"other": {"S": other}, "carts": {"N": str(carts)}} for other, carts in found.items()]}

    def get_item(self, **request: Any) -> dict[str, Any]:
        item = self.items.get(request["Key"]["user"]["S"])
        return {"Item": item} if item else {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        if self.fault is not None:
            raise self.fault
        values = request["ExpressionAttributeValues"]
        self.items[request["Key"]["user"]["S"]] = {"version": values[":new"], "lines": values[":lines"]}
        return {}


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table()
    app.state.store = CartStore("carts", table)
    app.state.recommendations = RecommendationStore("recommendations", table)
    yield table
    del app.state.store, app.state.recommendations


def ask(method: str, path: str, body: str = "", query: str = "") -> tuple[int, dict[str, str], str]:
    """Status, headers and body of one request."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body.encode()}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "server": ("127.0.0.1", 8080),
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1:8080")],
    }
    asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:]).decode()


@pytest.mark.usefixtures("table")
def test_a_browser_fills_and_empties_its_cart_by_forms() -> None:
    status, headers, _ = ask("POST", "/carts/ada b/add", "product=green+tea%26&quantity=2")
    assert (status, headers["location"]) == (303, "http://127.0.0.1:8080/carts/ada%20b")
    assert "green tea&amp;" in ask("GET", "/carts/ada b")[2]
    assert ask("POST", "/carts/ada b/change", "product=green+tea%26&quantity=5")[0] == 303
    assert 'value="5"' in ask("GET", "/carts/ada b")[2]
    assert ask("POST", "/carts/ada b/remove", "product=green+tea%26")[0] == 303
    assert "The cart is empty." in ask("GET", "/carts/ada b")[2]


@pytest.mark.usefixtures("table")
def test_a_program_does_the_same_by_json() -> None:
    added = json.loads(ask("POST", "/api/carts/ada/lines", '{"product": "te/a", "quantity": 2}')[2])
    assert (added["before"], added["after"], added["version"]) == (0, 2, 1)
    assert json.loads(ask("PUT", "/api/carts/ada/lines/te/a", '{"quantity": 7}')[2])["lines"] == {"te/a": 7}
    assert json.loads(ask("DELETE", "/api/carts/ada/lines/te/a")[2])["before"] == 7
    assert json.loads(ask("GET", "/api/carts/ada")[2]) == {"user": "ada", "version": 3, "lines": {}}


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"product": "tea", "quantity": -1}', '{"product": "tea", "quantity": true}']
)
@pytest.mark.usefixtures("table")
def test_what_is_no_change_is_refused(body: str) -> None:
    assert ask("POST", "/api/carts/ada/lines", body)[0] == 422


def test_a_lost_answer_is_told_from_a_refusal(table: Table) -> None:
    # 503 alone may have been done; a client counts on that.
    table.fault = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert ask("POST", "/api/carts/ada/lines", '{"product": "tea"}')[0] == 503


@pytest.mark.usefixtures("table")
def test_the_start_page_leads_to_the_cart() -> None:
    assert "Your name" in ask("GET", "/")[2]
    assert ask("GET", "/carts", query="user=ada")[1]["location"].endswith("/carts/ada")
    assert ask("GET", "/carts", query="user=a/b")[0] == 422


def test_the_page_and_programs_see_what_is_bought_together(table: Table) -> None:
    table.together = {"tea": {"soap": 3, "lamp": 2, "bread": 9}, "bread": {"lamp": 2, "tea": 9}}
    ask("POST", "/api/carts/ada/lines", '{"product": "tea"}')
    ask("POST", "/api/carts/ada/lines", '{"product": "bread"}')
    # What is in the cart is not recommended; what goes with two of its products counts for both.
    expected = [{"product": "lamp", "carts": 4}, {"product": "soap", "carts": 3}]
    assert json.loads(ask("GET", "/api/carts/ada/together")[2]) == {"together": expected}
    section = ask("GET", "/carts/ada/together")[2]
    assert section.index("lamp") < section.index("soap")
    assert section in ask("GET", "/carts/ada")[2]
