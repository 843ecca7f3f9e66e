"""What the paths of the REST API (Lambda's) ask of the wire besides what all requests do.

That API runs code as the user that the server runs as, so nothing that a web page can make a browser send gets through:
no request that a browser marks as a page's (Origin, Sec-Fetch-Site), and where signatures are not checked none for a
host name that a stranger could have pointed at this machine (DNS rebinding).
"""

import re
from collections.abc import Mapping

import orjson

from statordb.model.errors import ClientError
from statordb.model.rest import JSON, RestReply
from statordb.wire.browsers import OWN_SITES, is_local_name
from statordb.wire.reply import Form

_PATH = re.compile(rb"/[0-9]{4}-[0-9]{2}-[0-9]{2}/")

INTERNAL = RestReply(
    500,
    b'{"Type":"Service","Message":"An error occurred and the request cannot be processed."}',
    (("x-amzn-ErrorType", "ServiceException"),),
    JSON,
    "ServiceException",
)


def is_rest(path: bytes) -> bool:
    """Whether a path (perhaps with its query) is of the REST API: they begin with the date of an API version."""
    return _PATH.match(path) is not None


def guard(headers: Mapping[bytes, bytes], is_open: bool) -> RestReply | None:
    """The refusal of what a web page could have sent. `is_open`: signatures are not checked."""
    if b"origin" in headers or headers.get(b"sec-fetch-site", b"none").strip().lower() not in OWN_SITES:
        return refusal(403, "AccessDeniedException", "Requests of web pages are not allowed here.")
    if is_open and not is_local_name(headers.get(b"host", b"").decode("latin-1").strip()):
        return refusal(
            403,
            "AccessDeniedException",
            "Without authentication this API is open to requests whose Host is an IP address, localhost, a name ending "
            "in .localhost, or host.docker.internal.",
        )
    return None


def refusal(status: int, type: str, message: str) -> RestReply:
    """An error's reply in the form of the REST API."""
    side = "User" if status < 500 else "Service"
    body = orjson.dumps({"Type": side, "Message": message})
    return RestReply(status, body, (("x-amzn-ErrorType", type),), JSON, type)


def refusal_of(error: ClientError) -> RestReply:
    """The same of an error of authentication or decoding: REST APIs answer what is wrong with a signature with 403."""
    return refusal(403 if error.status == 400 else error.status, error.code, error.message or error.code)


def form_of(reply: RestReply) -> Form:
    """How a reply is to look."""
    return Form(
        reply.content_type if reply.status != 204 else "",
        "".join(f"{name}: {value}\r\n" for name, value in reply.headers),
    )


OFF = refusal(
    403,
    "AccessDeniedException",
    "This server runs no functions: its setting functions is off, or auto, which with --auth iam is off too: "
    "isolated and shared-user say as whom they run.",
)
