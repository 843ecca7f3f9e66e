"""What other sites' pages, other names and those without a session get: nothing."""

import pytest
from tests.console.conftest import KEY, Served
from tests.console.visitor import Visitor

pytestmark = pytest.mark.slow  # a real server

EVIL = "http://evil.example"
TABLE = {"name": "made", "partition": "p", "billing": "PAY_PER_REQUEST"}


@pytest.fixture
def visitor(opened: Served) -> Visitor:
    found = Visitor(opened.console)
    assert found.sign_in().status == 303
    return found


def test_nobody_sees_a_page_without_a_session(opened: Served) -> None:
    visitor = Visitor(opened.console)
    for path in ("/", "/new-table", "/tables/x"):
        answer = visitor.get(path)
        assert (answer.status, answer.headers["location"], answer.text) == (303, "/sign-in", "")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8001",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "x@localhost",
    ],
)
def test_a_name_of_somebody_else_is_refused(visitor: Visitor, host: str) -> None:
    """As it comes where that name was made to point at this machine."""
    assert visitor.get("/", Host=host).status == 403
    assert visitor.get("/static/console.js", Host=host).status == 403
    origin = f"http://{host}"
    assert visitor.post("/sign-in", {}, Host=host, Origin=origin).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL, "Sec_Fetch_Site": "cross-site"},
        {"Origin": EVIL, "Sec_Fetch_Site": ""},
        {"Origin": "null", "Sec_Fetch_Site": ""},
        {"Origin": "http://127.0.0.1:1", "Sec_Fetch_Site": "same-site"},  # another port of this machine
        {"Origin": "", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "", "Sec_Fetch_Site": "same-site"},
        {"Origin": "", "Sec_Fetch_Site": ""},
    ],
)
def test_a_form_of_another_page_is_refused_with_the_cookie_and_the_token_too(
    visitor: Visitor, headers: dict[str, str]
) -> None:
    for path, form in (
        ("/new-table", TABLE),
        ("/region", {"region": "eu-west-1"}),
        ("/sign-out", {}),
        ("/sign-in", {}),
    ):
        assert visitor.post(path, form, **headers).status == 403
    assert "us-east-1</summary>" in visitor.get("/").text
    assert "made" not in visitor.get("/").text


@pytest.mark.parametrize("token", ["", "wrong", "ä"])
def test_a_form_without_the_token_of_the_session_is_refused(visitor: Visitor, token: str) -> None:
    assert visitor.post("/new-table", {**TABLE, "csrf": token}).status == 403
    other = Visitor(visitor.console)
    other.sign_in()
    assert visitor.post("/new-table", {**TABLE, "csrf": other.csrf}).status == 403


def test_other_sites_read_nothing_by_scripts(visitor: Visitor) -> None:
    answer = visitor.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers


def test_each_answer_tells_browsers_what_may_not_be_done_with_it(visitor: Visitor) -> None:
    for path in ("/", "/sign-in", "/nowhere", "/static/console.js"):
        headers = visitor.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_cookie_is_for_this_site_alone_and_no_script_reads_it(opened: Served) -> None:
    cookie = Visitor(opened.console).sign_in().headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_who_signs_out_is_out(visitor: Visitor) -> None:
    cookie = visitor.cookie
    assert visitor.post("/sign-out", {}).status == 303
    visitor.cookie = cookie
    assert visitor.get("/").headers["location"] == "/sign-in"


def test_what_is_too_large_is_refused(visitor: Visitor) -> None:
    assert visitor.get("/?find=" + "x" * 20_000).status == 414
    assert visitor.post("/new-table", {"name": "x"}, Content_Length=str(100_000_000)).status == 413
    assert visitor.post("/new-table", {f"f{number}": "" for number in range(5000)}).status == 400
    assert visitor.get("/").status == 200


def test_a_wrong_secret_is_told_by_the_api(guarded: Served) -> None:
    visitor = Visitor(guarded.console)
    answer = visitor.sign_in(access_key_id=KEY[0], secret="wrong", region="us-east-1")
    assert answer.status == 403
    assert "SignatureDoesNotMatch" in answer.text
    assert "set-cookie" not in answer.headers
    assert visitor.get("/").headers["location"] == "/sign-in"


def test_a_table_comes_and_goes(guarded: Served) -> None:
    visitor = Visitor(guarded.console)
    assert visitor.sign_in(access_key_id=KEY[0], secret=KEY[1], region="us-east-1").status == 303
    refused = visitor.post("/new-table", {**TABLE, "name": "a!"})
    assert refused.status == 400
    assert "ValidationException" in refused.text
    assert visitor.post("/new-table", TABLE).status == 303
    assert visitor.get("/tables/made").status == 200
    assert visitor.post("/tables/made/change", {"what": "stream", "view": "KEYS_ONLY"}).status == 303
    assert "keys only" in visitor.get("/tables/made").text
    assert "was not deleted" in visitor.post("/tables/made/delete", {"typed": "mad"}).text
    assert visitor.post("/tables/made/delete", {"typed": "made"}).status == 303
    assert visitor.get("/tables/made").status in (200, 400)
