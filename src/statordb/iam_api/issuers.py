"""Who gives out tokens that roles may trust."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Issuer(NamedTuple):
    """An identity provider. `url`: as its tokens name it; `audiences`: whom tokens may be for; `keys`: public ones by
    their ids."""

    url: str
    audiences: frozenset[str]
    keys: Mapping[str, Any]

    @property
    def name(self) -> str:
        """How policies call it."""
        return self.url.removeprefix("https://")


Issuers = Mapping[str, Issuer]
"""By their URLs."""

NO_ISSUERS: Issuers = {}
