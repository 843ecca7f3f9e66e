"""The console's routes, and what stands around each page: the session, its token in forms, faults as pages."""

import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from statordb.console import showing, sign_in
from statordb.console.calls import Apis, Fault
from statordb.console.guard import Guard, IsOwn, TooLarge, body_of
from statordb.console.page import Page, Show, address, parse_form
from statordb.console.pages import PAGES
from statordb.console.sessions import Session, Sessions
from statordb.console.sign_in import COOKIE, REGIONS

HERE = Path(__file__).parent
FILES = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
UNAUTHORISED = {
    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
    "ExpiredTokenException", "ExpiredToken",
}  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the console is told of the server.

    endpoint  where its APIs are.
    verify    a file with who signed the certificate there; None: whom the system trusts.
    is_open   whether any key is let in.
    account   whose tables an open server shows at first.
    admin     where the admin port is.
    hosts     names that the console may be called by, beside this machine's.
    is_own    who may use it; None: everybody who comes.
    """

    endpoint: str
    verify: str | None = None
    is_open: bool = True
    account: str = "000000000000"
    admin: str = ""
    version: str = ""
    hosts: Collection[str] = ()
    is_own: IsOwn | None = None


class Console:
    """The application, and what it keeps."""

    def __init__(self, told: Surroundings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.told = told
        self.sessions = Sessions(monotonic)
        self.apis = Apis(told.endpoint, told.verify)
        self.templates = _templates()
        self.facts: dict[str, Any] = {
            "version": told.version, "is_open": told.is_open, "regions": REGIONS, "endpoint": told.endpoint,
            "admin": told.admin, "account": told.account, "paths": PAGES.shown,
        }  # fmt: skip
        self.app = Starlette(
            routes=[
                Route("/static/{name}", self._file, methods=["GET"]),
                Route("/sign-in", self._sign_in, methods=["GET", "POST"]),
                Route("/sign-out", self._shown(self._sign_out, changes=True), methods=["POST"]),
                Route("/region", self._shown(_choose_region, changes=True), methods=["POST"]),
                *(Route(path, self._shown(show), methods=["GET"]) for path, show in PAGES.shown.items()),
                *(Route(path, self._shown(done, changes=True), methods=["POST"]) for path, done in PAGES.done.items()),
            ],
            middleware=[Middleware(Guard, hosts=told.hosts, is_own=told.is_own)],
            exception_handlers={TooLarge: _too_large, 404: self._not_found},
        )

    async def _file(self, request: Request) -> Response:
        kind = FILES.get(request.path_params["name"])
        if kind is None:
            return PlainTextResponse("not found\n", 404)
        return Response((HERE / "static" / request.path_params["name"]).read_bytes(), media_type=kind)

    async def _not_found(self, request: Request, error: Exception) -> Response:
        return self._fault_page(request, Fault("NotFound", "There is no such page.", 404), None)

    async def _sign_in(self, request: Request) -> Response:
        return await sign_in.answer(request, self.sessions, self.apis, self.templates, self.facts)

    async def _sign_out(self, page: Page) -> Response:
        self.sessions.end(page.request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE)
        return answer

    def _shown(self, show: Show, changes: bool = False) -> Callable[[Request], Awaitable[Response]]:
        """A route's code for a page. `changes`: it takes a form, which must have the token of the session."""

        async def answer(request: Request) -> Response:
            session = self.sessions.find(request.cookies.get(COOKIE, ""))
            if session is None:
                return RedirectResponse("/sign-in", 303)
            page = Page(request, session, self.apis, self.templates, self.facts)
            if changes:
                try:
                    page.fields = parse_form(await body_of(request.receive))
                except ValueError:
                    return PlainTextResponse("This is no form of the console.\n", 400)
                if not hmac.compare_digest(page.field("csrf").encode(), session.csrf.encode()):
                    return PlainTextResponse("This form is not of this session: load the page again.\n", 403)
            try:
                return await show(page)
            except Fault as fault:
                if fault.code in UNAUTHORISED and not self.told.is_open:
                    self.sessions.end(request.cookies.get(COOKIE, ""))
                    return RedirectResponse("/sign-in?ended=1", 303)
                return self._fault_page(request, fault, session)
            except TooLarge:
                raise
            except Exception:
                log.exception("console page failed", extra={"path": request.url.path[:200]})
                return self._fault_page(request, Fault("InternalError", "The page could not be made.", 500), session)

        return answer

    def _fault_page(self, request: Request, fault: Fault, session: Session | None) -> Response:
        template = self.templates.get_template("fault.html")
        text = template.render(session=session, notice="", here=request.url.path, fault=fault, **self.facts)
        return HTMLResponse(text, fault.status if 400 <= fault.status <= 599 else 400)


async def _choose_region(page: Page) -> Response:
    region = page.field("region").strip()
    if not sign_in.is_region(region):
        raise Fault("ParamValidationError", "A region is made of a-z, 0-9 and -, such as us-east-1.")
    page.session.region = region
    if page.facts["is_open"] and sign_in.is_account(account := page.field("account", page.session.account).strip()):
        page.session.account = page.session.access_key_id = account
    return page.go("/")


async def _too_large(request: Request, error: Exception) -> Response:
    return PlainTextResponse("This form is too large, or took too long.\n", 413)


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(showing.FILTERS)
    made.globals.update(address=address, is_fault=lambda answer: isinstance(answer, Fault))
    return made
