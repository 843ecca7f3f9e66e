"""Providers of root keys, by name. One wraps; what others have wrapped stays readable as long as they are there.

A provider may be far away. It is asked when a store is opened, and when its keys are rotated, and is given a bounded
time for it.
"""

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from statordb.crypto.ring import Wrapped
from statordb.crypto.sealer import KEY_BYTES, KeyProvider

MADE = Callable[[], KeyProvider]
SECONDS_MAX = 40.0  # for one key; above what each provider gives itself
WRAPPED_BYTES_MAX = 64 * 1024  # of one key

Found = TypeVar("Found")


class RootUnusable(Exception):
    """A provider of root keys can't be used; args[0] is one sentence for people."""


class Roots:
    """All providers that the settings name, each made when it is first needed."""

    def __init__(self, current: str, providers: Mapping[str, MADE], seconds_max: float = SECONDS_MAX) -> None:
        assert current in providers
        self.current = current
        self.asked: set[str] = set()  # those whose root keys wrap the store's keys
        self._makers = providers
        self._made: dict[str, KeyProvider] = {}
        self._seconds_max = seconds_max

    def provider(self, name: str | None = None) -> KeyProvider:
        """The one that wraps, or one by name. Raises RootUnusable."""
        name = name or self.current
        if name not in self._makers:
            raise RootUnusable(f"The store's keys are wrapped by {name}, which the settings do not name.")
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def wrap(self, key: bytes) -> Wrapped:
        """A store key, as the current provider wraps it. Raises RootUnusable, and what the provider does."""
        provider = self.provider()
        kept = Wrapped(self.current, *self._timed(self.current, lambda: provider.wrap(key)))
        if self.unwrap(kept) != key:  # found out now, or all that is sealed under it is lost
            raise RootUnusable(f"The root key of {self.current} does not give back what it has wrapped.")
        return kept

    def unwrap(self, kept: Wrapped) -> bytes:
        """A store key. Raises Unsealable, RootUnusable."""
        provider = self.provider(kept.provider)
        key = self._timed(kept.provider, lambda: provider.unwrap(kept.root, kept.wrapped))
        if len(key) != KEY_BYTES:
            raise RootUnusable(f"The root key of {kept.provider} gives back something else than a key of the store.")
        self.asked.add(kept.provider)
        return key

    def _timed(self, name: str, work: Callable[[], Found]) -> Found:
        """What work returns or raises, in a thread that is left behind if it takes too long."""
        found: list[Found] = []
        raised: list[BaseException] = []

        def run() -> None:
            try:
                found.append(work())
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=run, name="statordb-root-key", daemon=True)
        thread.start()
        thread.join(self._seconds_max)
        if raised:
            raise raised[0]
        if not found:
            raise RootUnusable(f"The root key of {name} has given no answer for {self._seconds_max:g} seconds.")
        return found[0]


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
