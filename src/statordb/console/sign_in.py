"""Signing in: by an access key where keys are checked, else by the account whose tables are to be seen."""

import re
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from statordb.console.calls import Apis, Fault
from statordb.console.guard import body_of
from statordb.console.limits import SESSION_SECONDS
from statordb.console.page import parse_form
from statordb.console.sessions import Session, Sessions

COOKIE = "statordb-console"
REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-central-1", "eu-north-1",
    "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "ap-northeast-1", "ap-northeast-2", "ap-south-1",
    "ap-southeast-1", "ap-southeast-2",
)  # fmt: skip
OPEN_SECRET = "console"  # nobody looks at it


def is_region(text: str) -> bool:
    return re.fullmatch(r"[a-z0-9-]{1,64}", text) is not None


def is_account(text: str) -> bool:
    return re.fullmatch(r"[0-9]{12}", text) is not None


async def answer(
    request: Request, sessions: Sessions, apis: Apis, templates: Environment, facts: dict[str, Any]
) -> Response:
    """The form, or what came of it. It has no token, since there is no session yet: the guard has seen its Origin."""
    if request.method != "POST":
        ended = "You were signed out: the key is no longer good." if "ended" in request.query_params else ""
        return _form(templates, facts, ended)
    try:
        fields = dict(parse_form(await body_of(request.receive)))
    except ValueError:
        return PlainTextResponse("This is no form of the console.\n", 400)
    region = fields.get("region", "").strip() or REGIONS[0]
    if not is_region(region):
        return _form(templates, facts, "A region is made of a-z, 0-9 and -, such as us-east-1.", 400, fields)
    if facts["is_open"]:
        account = fields.get("account", "").strip() or facts["account"]
        if not is_account(account):
            return _form(templates, facts, "An account has 12 digits.", 400, fields)
        return _begun(sessions.begin(account, OPEN_SECRET, region, account))
    key, secret = fields.get("access_key_id", "").strip(), fields.get("secret", "").strip()
    token = fields.get("token", "").strip()
    if not sessions.may_try():
        return _form(templates, facts, "Too many sign-ins have failed: try again in a minute.", 429, fields)
    try:
        asking = Session(key, secret, region, "", "", 0.0, 0.0, token=token)
        who = await apis.call(asking, "sts", "GetCallerIdentity")
    except Fault as fault:
        sessions.failed()
        return _form(templates, facts, f"{fault.code}: {fault.message}", 403, fields)
    return _begun(sessions.begin(key, secret, region, who["Account"], who["Arn"], token))


def _begun(name: str) -> Response:
    made = RedirectResponse("/", 303)
    made.set_cookie(COOKIE, name, max_age=int(SESSION_SECONDS), httponly=True, samesite="strict", path="/")
    return made


def _form(
    templates: Environment, facts: dict[str, Any], fault: str, status: int = 200, fields: dict[str, str] | None = None
) -> Response:
    told = fields or {}
    text = templates.get_template("sign_in.html").render(
        session=None, notice="", here="/sign-in", fault_text=fault, fields=told, **facts
    )
    return HTMLResponse(text, status)
