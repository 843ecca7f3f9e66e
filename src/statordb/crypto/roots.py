"""Providers of root keys, by name. One wraps; what others have wrapped stays readable as long as they are there."""

from collections.abc import Callable, Mapping

from statordb.crypto.ring import Wrapped
from statordb.crypto.sealer import KeyProvider

MADE = Callable[[], KeyProvider]


class RootUnusable(Exception):
    """A provider of root keys can't be used; args[0] is one sentence for people."""


class Roots:
    """All providers that the settings name, each made when it is first needed."""

    def __init__(self, current: str, providers: Mapping[str, MADE]) -> None:
        assert current in providers
        self.current = current
        self._makers = providers
        self._made: dict[str, KeyProvider] = {}

    def provider(self, name: str | None = None) -> KeyProvider:
        """The one that wraps, or one by name. Raises RootUnusable."""
        name = name or self.current
        if name not in self._makers:
            raise RootUnusable(f"The store's keys are wrapped by {name}, which the settings do not name.")
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def unwrap(self, kept: Wrapped) -> bytes:
        """A store key. Raises Unsealable, RootUnusable."""
        return self.provider(kept.provider).unwrap(kept.root, kept.wrapped)


class Either:
    """The keys of a store, and of a root that was asked directly before there were any: a KeyProvider."""

    def __init__(self, keys: KeyProvider, before: Callable[[], KeyProvider], prefix: str) -> None:
        self.wrap = keys.wrap
        self._keys = keys
        self._before = before
        self._prefix = prefix

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """See KeyProvider. Raises Unsealable."""
        if key_id.startswith(self._prefix):
            return self._keys.unwrap(key_id, wrapped)
        return self._before().unwrap(key_id, wrapped)
