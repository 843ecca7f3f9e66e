"""What a page's code has: the session, the APIs as the one who has signed in, the form, and ways to answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from statordb.console.calls import Answer, Apis, Fault
from statordb.console.limits import FORM_FIELDS_MAX
from statordb.console.sessions import Session


@dataclass(slots=True)
class Page:
    """One request of somebody who has signed in."""

    request: Request
    session: Session
    apis: Apis
    templates: Environment
    facts: dict[str, Any]  # of the console, for templates
    fields: list[tuple[str, str]] = field(default_factory=list)  # of the form

    async def ask(self, service: str, operation: str, **parameters: Any) -> Answer:
        """Call an API; parameters that are None are left out. Raises Fault."""
        told = {name: value for name, value in parameters.items() if value is not None}
        return await self.apis.call(self.session, service, operation, **told)

    async def dynamodb(self, operation: str, **parameters: Any) -> Answer:
        return await self.ask("dynamodb", operation, **parameters)

    async def may(self, service: str, operation: str, **parameters: Any) -> Answer | Fault:
        """The same for a part of a page that others do without: the fault is what is shown there."""
        try:
            return await self.ask(service, operation, **parameters)
        except Fault as fault:
            return fault

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def field(self, name: str, default: str = "") -> str:
        """A field of the form; the last of several."""
        return dict(self.fields).get(name, default)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        notice, self.session.notice = self.session.notice, ""
        text = self.templates.get_template(template).render(
            session=self.session, notice=notice, here=self.request.url.path, **self.facts, **values
        )
        return HTMLResponse(text, status)

    def go(self, address: str, notice: str = "") -> Response:
        """Have the browser load another page, which shows `notice`."""
        self.session.notice = notice
        return RedirectResponse(address, 303)


Show = Callable[[Page], Awaitable[Response]]


def parse_form(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in the order of the page. Raises ValueError if it is none."""
    text = body.decode("ascii")
    return parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=FORM_FIELDS_MAX)


def whole(text: str, name: str, default: int | None = None) -> int | None:
    """A number that somebody typed. Raises Fault."""
    if not text.strip():
        return default
    try:
        return int(text)
    except ValueError:
        raise Fault("ParamValidationError", f"{name} is to be a whole number, not {text[:40]!r}.") from None


def address(*parts: str) -> str:
    """A path of the console, each part quoted."""
    return "/" + "/".join(quote(part, safe="") for part in parts)
