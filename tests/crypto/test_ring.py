"""The keys of a store: wrapped by a provider of root keys, wrapping data keys in turn."""

from pathlib import Path

import pytest

from statordb.crypto import ring
from statordb.crypto.file_keys import FileKeys
from statordb.crypto.ring import KEY_PREFIX, StoreKeys
from statordb.crypto.roots import Either, Roots, RootUnusable
from statordb.crypto.sealer import KEY_BYTES, Sealer, Unsealable

OLD, NEW = "00", "11"
KEYS = {OLD: bytes(KEY_BYTES), NEW: b"\1" * KEY_BYTES}


def test_the_current_key_wraps_and_older_ones_open_what_they_wrapped() -> None:
    before, now = StoreKeys(OLD, OLD, KEYS), StoreKeys(NEW, OLD, KEYS)
    name, wrapped = before.wrap(b"data key")
    assert name == KEY_PREFIX + OLD
    assert now.unwrap(name, wrapped) == b"data key"
    assert now.wrap(b"data key")[0] == KEY_PREFIX + NEW


def test_what_was_wrapped_by_another_key_or_changed_is_refused() -> None:
    keys = StoreKeys(OLD, OLD, KEYS)
    _, wrapped = keys.wrap(b"data key")
    for name, bytes_ in (
        (KEY_PREFIX + NEW, wrapped),
        (KEY_PREFIX + "22", wrapped),
        (OLD, wrapped),
        (KEY_PREFIX + OLD, b""),
    ):
        with pytest.raises(Unsealable):
            keys.unwrap(name, bytes_)


def test_places_stay_where_they_are_when_the_current_key_changes() -> None:
    before, now = StoreKeys(OLD, OLD, KEYS), StoreKeys(NEW, OLD, KEYS)
    assert (before.places(), before.apart()) == (now.places(), now.apart())
    assert len({before.places(), before.apart(), KEYS[OLD]}) == 3


def test_damaged_keys_are_refused() -> None:
    for current, first, keys in ((OLD, NEW, {OLD: bytes(32)}), (NEW, OLD, {OLD: bytes(32)}), (OLD, OLD, {OLD: b"x"})):
        with pytest.raises(Unsealable):
            StoreKeys(current, first, keys)


def test_a_store_key_is_wrapped_by_the_provider_that_is_named(tmp_path: Path) -> None:
    roots = Roots("file", {"file": lambda: FileKeys(tmp_path)})
    _, key, kept = ring.made(roots.wrap)
    assert kept.provider == "file"
    assert roots.unwrap(kept) == key
    with pytest.raises(RootUnusable, match="wrapped by elsewhere"):
        roots.unwrap(kept._replace(provider="elsewhere"))


def test_secrets_of_before_there_were_store_keys_open(tmp_path: Path) -> None:
    """They were sealed with the root keys themselves."""
    root = FileKeys(tmp_path)
    sealed = Sealer(root).seal(b"secret", b"context")
    now = Sealer(Either(StoreKeys(OLD, OLD, KEYS), lambda: root, KEY_PREFIX))
    assert now.open(sealed, b"context") == b"secret"
    assert now.open(now.seal(b"new", b"context"), b"context") == b"new"
