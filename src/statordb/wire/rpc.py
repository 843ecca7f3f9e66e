"""APIs that answer in the form that they were asked in: JSON, for calls that name their operation by X-Amz-Target, or
CBOR, for calls of a path (Smithy's RPC v2 protocol, https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2).

Both name the service that they are for; AWS's Query protocol, which such APIs speak too, is told by `forms`.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from statordb.wire.forms import FormApi

_PATH = re.compile(rb"/service/([A-Za-z0-9_]{1,64})/operation/([A-Za-z0-9_]{1,64})")


class RpcApi(NamedTuple):
    """An API as it answers in JSON, and in CBOR. `bytes_max`: of the body of a request."""

    json: FormApi
    cbor: FormApi
    bytes_max: int


RpcApis = Mapping[bytes, RpcApi]
"""By the name of the service: what stands before the dot in X-Amz-Target, and in the path."""

NO_RPC: RpcApis = {}


def called(apis: RpcApis, url: bytes, headers: Mapping[bytes, bytes]) -> tuple[FormApi, int] | None:
    """The API that a request is for, in the form that it wants, and how large its body may be; None for none."""
    match = _PATH.fullmatch(url.partition(b"?")[0])
    if match is not None:
        api = apis.get(match[1])
        return None if api is None else (api.cbor, api.bytes_max)
    api = apis.get(headers.get(b"x-amz-target", b"").partition(b".")[0].strip())
    return None if api is None or url.partition(b"?")[0] != b"/" else (api.json, api.bytes_max)


def claimed_operation(url: bytes) -> bytes:
    """The operation that a path names; b"" for other paths."""
    match = _PATH.fullmatch(url.partition(b"?")[0])
    return b"" if match is None else match[2]
