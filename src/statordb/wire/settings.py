"""Limits and patience of the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from statordb.model.function_limits import LARGE_REQUESTS_MAX, REST_REQUEST_BYTES_MAX
from statordb.model.limits import (
    HEADER_BYTES_MAX,
    HEADERS_MAX,
    HELD_BODIES_BYTES_MAX,
    KIB,
    MIB,
    PIPELINE_REQUESTS_MAX,
    REQUEST_BYTES_MAX,
    URL_BYTES_MAX,
    WAITING_ANSWERS_BYTES_MAX,
    WAITING_BODIES_BYTES_MAX,
)
from statordb.wire.browsers import BrowserRules


@dataclass(frozen=True, slots=True)
class WireSettings:
    """Limits and patience of the wire. Times in seconds."""

    region: str = "us-east-1"  # named by the health answer to clients that name no host
    is_health_refused: bool = False  # GET / is a call without a signature, as for DynamoDB Local
    target_prefixes: Mapping[str, str] = field(default_factory=dict)  # by operation; of all others TARGET_PREFIX
    browsers: BrowserRules = field(default_factory=BrowserRules)
    request_bytes_max: int = REQUEST_BYTES_MAX
    unpacked_inline_bytes_max: int | None = None  # larger inside: left packed for the service; None: all is unpacked
    rest_request_bytes_max: int = REST_REQUEST_BYTES_MAX  # on the paths of the REST API
    large_requests_max: int = LARGE_REQUESTS_MAX  # of which more than request_bytes_max has come, and more will
    held_bytes_max: int = HELD_BODIES_BYTES_MAX
    waiting_bytes_max: int = WAITING_BODIES_BYTES_MAX  # of a connection
    answers_bytes_max: int = WAITING_ANSWERS_BYTES_MAX  # of a connection
    header_bytes_max: int = HEADER_BYTES_MAX
    headers_max: int = HEADERS_MAX
    url_bytes_max: int = URL_BYTES_MAX
    pipeline_requests_max: int = PIPELINE_REQUESTS_MAX
    idle_seconds: float = 120.0  # between requests
    head_seconds: float = 20.0  # from the first byte of a request to the end of its headers
    body_seconds: float = 10.0  # within which the next body_progress_bytes of a body, or its end, must come
    body_progress_bytes: int = 4 * KIB
    write_seconds: float = 60.0  # without the peer taking anything of what waits to be sent
    linger_seconds: float = 10.0  # for a refused client to read its answer
    linger_bytes_max: int = 64 * MIB
