"""IAM's and STS's APIs behind the wire (`model.rest.FormService`).

A service model, and its operations, are loaded with the first request: a server whose clients use tables only starts no
slower, and needs no more memory, than one without identities.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from statordb.access import authority
from statordb.commands.calls import Calls
from statordb.commands.turns import Turns
from statordb.iam_api import errors, temporary
from statordb.iam_api.context import Context, Operation
from statordb.iam_api.errors import IamError
from statordb.iam_api.issuers import NO_ISSUERS, Issuers
from statordb.model.errors import ClientError, missing_authentication_token
from statordb.model.rest import RestReply, RestRequest
from statordb.store.credentials import Credentials, OwnerGone
from statordb.store.store import Store
from statordb.store.terms import Conflict, Overloaded, Unanswered

if TYPE_CHECKING:
    from statordb.iam_api.requests import Requests

CONTENT_TYPE = "text/xml"
NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
_UNSIGNED = "AssumeRoleWithWebIdentity"  # a token says who asks
_UNSIGNED_FIELD = f"&Action={_UNSIGNED}&".encode()

Report = Callable[[RestRequest, BaseException], None]
"""Told of every unexpected exception, for the log."""


class Api(NamedTuple):
    """What is loaded with the first request."""

    requests: "Requests"
    operations: Mapping[str, Operation]
    issuers: Issuers = NO_ISSUERS


class QueryService:
    """Answers the requests of one service, "iam" or "sts", each by a task of its own."""

    def __init__(
        self,
        name: str,
        store: Store,
        credentials: Credentials,
        report: Report,
        random: Callable[[int], bytes],
        load: Callable[[bytes], Api],
        providers: bytes = b"",
        turns: Turns | None = None,
    ) -> None:
        """`providers`: a JSON document of identity providers, see `web_identity.load`; b"" for none."""
        self._name = name
        self._store = store
        self._credentials = credentials
        self._report = report
        self._random = random
        self._calls = Calls(partial(load, providers), turns)

    def is_unsigned(self, body: bytes) -> bool:
        return self._name == "sts" and _UNSIGNED_FIELD in b"&%b&" % body

    def refusal(self, error: ClientError, request_id: str) -> RestReply:
        return self._fault_reply(errors.of_wire(error), request_id)

    def handle(self, request: RestRequest) -> asyncio.Task[RestReply]:
        return self._calls.begin(self._answer(request), request.source, partial(self._failed, request))

    async def close(self) -> None:
        """Cancel what still runs, and await its end."""
        await self._calls.close()

    async def _answer(self, request: RestRequest) -> RestReply:
        try:
            return await self._run(request)
        except IamError as fault:
            return self._fault_reply(fault, request.request_id)
        except OwnerGone as gone:  # somebody has deleted it meanwhile
            return self._fault_reply(errors.no_such_entity(f"{gone.args[0]} is no more."), request.request_id)
        except (Overloaded, Conflict):
            return self._fault_reply(errors.throttling(), request.request_id)

    def _failed(self, request: RestRequest, error: BaseException) -> RestReply:
        self._report(request, error)
        fault = errors.unavailable() if isinstance(error, Unanswered) else errors.internal()
        return self._fault_reply(fault, request.request_id)

    async def _run(self, request: RestRequest) -> RestReply:
        api = await self._calls.api()
        name, form = api.requests.operation(request.body)
        request.operation = name
        principal = request.principal
        if not principal.access_key_id and name != _UNSIGNED:  # else nobody would pass for some root
            raise errors.of_wire(missing_authentication_token())
        operation = api.operations.get(name)
        if operation is None:
            raise errors.not_implemented(name)
        temporary.must_be_callable(self._name, name, authority.of(principal.authority, principal.account))
        given = api.requests.members(name, form)
        about: list[str] = []
        request.about = about
        context = Context(
            self._store,
            self._credentials,
            principal,
            self._random,
            f"{self._name}:{name}",
            request.origin,
            api.issuers,
            about,
        )
        outcome: dict[str, Any] = await operation(context, given)
        request.outcome = outcome
        body = api.requests.answer(name, outcome, request.request_id)
        return RestReply(200, body, (), CONTENT_TYPE)

    def _fault_reply(self, fault: IamError, request_id: str) -> RestReply:
        """The reply that tells a client of its error: the one place where errors become bytes."""
        from statordb.shapes import xml  # with the first error, not at the start

        is_sender = fault.status < 500
        body = xml.error(fault.code, fault.message, is_sender, NAMESPACES[self._name], request_id)
        return RestReply(fault.status, body, (), CONTENT_TYPE, fault.code)


def load_iam(providers: bytes) -> Api:
    """Raises ServiceModelMissing."""
    from statordb.iam_api.operations import OPERATIONS
    from statordb.iam_api.requests import Requests

    return Api(Requests("iam", "2010-05-08"), OPERATIONS)


def load_sts(providers: bytes) -> Api:
    """Raises ServiceModelMissing."""
    from statordb.iam_api.requests import Requests
    from statordb.iam_api.sts import OPERATIONS

    issuers = NO_ISSUERS
    if providers:
        from statordb.iam_api import web_identity

        issuers = web_identity.load(providers)
    return Api(Requests("sts", "2011-06-15"), OPERATIONS, issuers)


LOADERS = {"iam": load_iam, "sts": load_sts}
