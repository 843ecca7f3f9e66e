"""The console in Chromium: its pages load nothing that their policy forbids, and hostile names stay text."""

import json
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright
from tests.console.conftest import Served

CHROMIUM = os.environ.get("STATORDB_TEST_CHROMIUM") or shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
SCRIPT = "<img src=x onerror=alert(1)><script>alert(1)</script>"


@pytest.fixture
def page(opened: Served) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser.new_page()
        browser.close()


def test_a_visitor_makes_a_table_and_changes_an_item(opened: Served, page: Page) -> None:
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept() if "Delete" in dialog.message else told.append(dialog.message))
    page.goto(opened.console)
    page.get_by_label("Account").fill("444455556666")
    page.get_by_role("button", name="Open").click()
    page.get_by_role("link", name="New table").click()
    page.get_by_label("Name").first.fill("walked")
    page.get_by_label("Partition key").first.fill("p")
    page.get_by_role("button", name="Create table").click()
    page.get_by_role("link", name="Items", exact=True).click()
    page.get_by_role("link", name="New item").click()
    page.get_by_role("textbox").fill(json.dumps({"p": {"S": SCRIPT}, SCRIPT: {"S": "\u202e\x00"}}))
    page.get_by_role("button", name="Make it").click()
    assert page.get_by_role("status").inner_text() == "The item was made."
    page.get_by_role("link", name="<img").click()
    page.get_by_role("button", name="Delete item").click()
    assert page.get_by_role("status").inner_text() == "The item was deleted."
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("button", name="Turn on").first.click()
    page.get_by_role("link", name="watch it").click()
    page.get_by_text("0 records").wait_for()
    page.evaluate(
        """async (item) => {
            const csrf = document.querySelector("[name=csrf]").value;
            await fetch("/tables/walked/item", {method: "POST", body: new URLSearchParams({csrf, item, before: ""})});
        }""",
        json.dumps({"p": {"S": SCRIPT}}),
    )
    page.get_by_role("cell", name="insert").wait_for()
    assert SCRIPT in page.get_by_role("row").nth(1).inner_text()
    assert told == []
