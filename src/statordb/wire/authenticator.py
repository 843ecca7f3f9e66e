"""What judges who sends a request."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from statordb.model.errors import ClientError
from statordb.model.request import Principal

Headers = Mapping[bytes, bytes]
Verdict = Principal | ClientError | asyncio.Future[Any]


class Authenticator(Protocol):
    """Names the principal of a request, or says what is wrong with its signature.

    is_open  whether it lets in what nobody signed.
    """

    is_open: bool

    def check(
        self,
        method: bytes,
        url: bytes,
        headers: Headers,
        body: bytes,
        digest: bytes | None = None,
        secure: bool = False,
    ) -> Verdict:
        """Judge a request. Header names are lower case, repeated ones joined by a comma; `body` is as it was sent,
        `digest` its SHA-256 in hexadecimal where that is known, and `secure` says whether it came by TLS.

        A future means that the key is being looked up: call again once it is done.
        """
        ...

    def repeatable(self, headers: Headers, changing: bytes) -> Any:
        """What the headers of a request that was just found good prove of the next one that has the same, but for its
        signature and the header `changing`; None if they prove nothing."""
        ...

    def repeated(self, claim: Any, body: bytes, signature: bytes) -> Principal | None:
        """Who asks with the headers that a `repeatable` claim is of, another body and another signature; None unless
        that is surely good."""
        ...

    def check_claim(self, url: bytes, headers: Headers) -> ClientError | asyncio.Future[Any] | None:
        """Judge a request before its body is there: what its head alone shows to be wrong, if anything.

        A future means that nothing is wrong so far, but the key is being looked up: ask again.
        """
        ...
