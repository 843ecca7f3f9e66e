"""Items by their pages: found, changed where nobody else has changed them, shown without coming alive."""

import html
import json
import re
from typing import Any

import pytest
from tests.console.conftest import Served
from tests.console.visitor import Answer, Visitor
from tests.pace import until

pytestmark = pytest.mark.slow  # a real server

DIGITS = "12345678901234567890123456789012345678"
SCRIPT = "<script>alert(1)</script>"
ITEM: dict[str, Any] = {
    "artist": {"S": "Nina"},
    "title": {"S": "Sinnerman \u202e<b>"},
    "year": {"N": "1965"},
    "big": {"N": DIGITS},
    SCRIPT: {"S": f"{SCRIPT}\x00\r\n'\""},
    "blob": {"B": "AAEC"},
    "parts": {"L": [{"NULL": True}, {"B": "AAEC"}]},
    "long": {"S": "x" * 390_000},
}
TABLE = {
    "name": "songs", "partition": "artist", "sort": "title", "billing": "PAY_PER_REQUEST",
    "index0_name": "by-year", "index0_partition": "year", "index0_partition_type": "N",
}  # fmt: skip


@pytest.fixture(scope="module")
def visitor(opened: Served) -> Visitor:
    found = Visitor(opened.console)
    found.sign_in(account="111122223333", region="eu-north-1")
    assert found.post("/new-table", TABLE).status == 303
    assert found.post("/tables/songs/item", {"item": json.dumps(ITEM), "before": ""}).status == 303
    return found


def item_of(visitor: Visitor, query: str = "") -> Answer:
    found = visitor.get(f"/tables/songs/items{query}")
    link = re.search(r'href="(/tables/songs/item\?key=[^"]+)"', found.text)
    assert link is not None, found.text
    return visitor.get(html.unescape(link[1]))


def before_of(answer: Answer) -> str:
    found = re.search(r'name="before" value="([^"]*)"', answer.text)
    assert found is not None
    return html.unescape(found[1])


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?partition=Nina",
        "?index=by-year&partition=1965",
        "?partition=Nina&sort=Sin&sort_by=begins_with&order=down",
        f"?filter=big&filter_by=%3D&filter_type=N&filter_value={DIGITS}",
    ],
)
def test_an_item_is_found_and_is_inert(visitor: Visitor, query: str) -> None:
    for text in (visitor.get(f"/tables/songs/items{query}").text, item_of(visitor, query).text):
        assert "Sinnerman" in text
        assert DIGITS in text
        assert "<script>alert" not in text
        assert "\u202e" not in text
        assert "\x00" not in text
    assert len(visitor.get("/tables/songs/items").text) < 50_000


def test_an_item_is_in_its_form_exactly(visitor: Visitor) -> None:
    answer = item_of(visitor)
    area = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", answer.text, re.DOTALL)
    assert area is not None
    assert json.loads(html.unescape(area[1])) == json.loads(before_of(answer)) == ITEM


def test_nobody_overwrites_anothers_change(visitor: Visitor) -> None:
    new = {**ITEM, "artist": {"S": "Odetta"}, "plays": {"N": "1"}}
    assert visitor.post("/tables/songs/item", {"item": json.dumps(new), "before": ""}).status == 303
    assert "already" in visitor.post("/tables/songs/item", {"item": json.dumps(new), "before": ""}).text
    before = before_of(item_of(visitor, "?partition=Odetta"))
    changed = {"item": json.dumps({**new, "plays": {"N": "2"}}), "before": before}
    assert visitor.post("/tables/songs/item", changed).status == 303
    late = visitor.post("/tables/songs/item", {"item": json.dumps({**new, "plays": {"N": "3"}}), "before": before})
    assert late.status == 400
    assert "ConditionalCheckFailedException" in late.text
    assert visitor.post("/tables/songs/item", {**changed, "item": json.dumps({**new, "big": {"N": "1"}})}).status == 303
    assert visitor.post("/tables/songs/delete-item", {"before": before}).status == 400
    now = item_of(visitor, "?partition=Odetta")
    assert json.loads(before_of(now)) == {**new, "plays": {"N": "2"}, "big": {"N": "1"}}
    assert visitor.post("/tables/songs/delete-item", {"before": before_of(now)}).status == 303


def test_a_statement_tells_what_it_took(visitor: Visitor) -> None:
    assert "units of" in visitor.post("/partiql", {"statement": 'SELECT * FROM "songs"'}).text
    assert "ValidationException" in visitor.post("/partiql", {"statement": "SELEC"}).text


def test_a_table_comes_back_from_a_backup(visitor: Visitor) -> None:
    path = "/tables/songs/backups"
    assert visitor.post(path, {"what": "make", "backup": "first"}).status == 303
    until(lambda: "AVAILABLE" in visitor.get(path).text, "the backup is there")
    arn = re.search(r'name="arn" value="([^"]*)"', visitor.get(path).text)
    assert arn is not None
    assert visitor.post(path, {"what": "restore", "arn": arn[1], "target": "again"}).status == 303
    until(lambda: "Sinnerman" in visitor.get("/tables/again/items").text, "the table is back")
    assert "Sinnerman" in visitor.get("/tables/again/items").text
