"""Forms that are posted to "/": AWS's Query protocol. Which service they are for is told by their claims.

The bytes of a claim name the service before anything of it is believed: that says only who judges it.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from statordb.model import errors
from statordb.model.limits import OPEN_BODY_BYTES_MAX
from statordb.model.rest import FormService, RestReply
from statordb.wire.authenticator import Authenticator

CONTENT_TYPE = b"application/x-www-form-urlencoded"
REFUSED_ACTION = b":action"  # among the headers of a form that was refused: what it asked for, as its body is forgotten

_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z]{1,64})(?:&|$)")
_IN_HEADER = re.compile(rb"Credential=[^/,\s]*/[0-9]+/[^/,\s]*/([a-z0-9-]+)/")
_IN_QUERY = re.compile(rb"X-Amz-Credential=[^&%]*%2F[0-9]+%2F[^&%]*%2F([a-z0-9-]+)%2F", re.IGNORECASE)


class FormApi(NamedTuple):
    """An API that takes forms, and what judges who sends them."""

    service: FormService
    authenticator: Authenticator


FormApis = Mapping[bytes, FormApi]
"""By the name of the service that claims are for."""

NO_FORMS: FormApis = {}


def is_form(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower() == CONTENT_TYPE


def claimed_action(body: bytes) -> bytes:
    """What a form says that it asks for; b"" where that is no name of an operation."""
    found = _ACTION.search(body, 0, OPEN_BODY_BYTES_MAX)
    return b"" if found is None else found[1]


def claimed_service(url: bytes, headers: Mapping[bytes, bytes]) -> bytes | None:
    """The service that a claim says it is for, "" where it says none; None where there is no claim."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        found = _IN_HEADER.search(authorization)
    else:
        query = url.partition(b"?")[2]
        if b"X-Amz-Algorithm" not in query:
            return None
        found = _IN_QUERY.search(query)
    return b"" if found is None else found[1]


def too_large(apis: FormApis, url: bytes, headers: Mapping[bytes, bytes], request_id: str) -> RestReply | None:
    """The refusal of a large body, if it is a form for one of these: none of them needs one."""
    if not apis or not is_form(headers):
        return None
    api = apis.get(claimed_service(url, headers) or b"")
    return None if api is None else api.service.refusal(errors.request_too_large(), request_id)
