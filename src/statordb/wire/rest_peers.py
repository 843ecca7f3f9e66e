"""Whose requests the REST API (Lambda's) takes where signatures are not checked: those of the server's own user.

That API runs programs as the server's user. On a machine that others use too, an address on loopback is no proof of
anything, so the kernel is asked whose process sent a request.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from statordb.wire.authenticator import Authenticator
from statordb.wire.rest import refusal

REFUSED = refusal(
    403,
    "AccessDeniedException",
    "Without authentication this API is open to processes of the user that the server runs as. Others sign their "
    "requests with the secret of the setting functions_token.",
)


class RestPeers(NamedTuple):
    """Who may use the REST API without a signature, and who judges the others.

    is_own     whether the other end of a connected socket is a process of the server's own user, or of root.
    strangers  judges the requests of all others; None: they are refused.
    """

    is_own: Callable[[Any], bool]
    strangers: Authenticator | None = None
