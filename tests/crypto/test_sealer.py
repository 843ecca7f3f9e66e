"""Sealed values open only whole, in their place, and with their key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.crypto.sealer import Sealer, Unsealable


class PlainKeys:
    """A key provider that wraps by naming: what a test can see through."""

    def __init__(self) -> None:
        self.wrapped = 0

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        self.wrapped += 1
        return "plain", data_key

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        if key_id != "plain":
            raise Unsealable("the master key is not known")
        return wrapped


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_what_was_sealed_opens(plaintext: bytes, context: bytes) -> None:
    sealer = Sealer(PlainKeys())
    sealed = sealer.seal(plaintext, context)
    assert sealer.open(sealed, context) == plaintext
    assert Sealer(PlainKeys()).open(sealed, context) == plaintext


@given(st.data())
def test_any_flipped_bit_is_seen(data: st.DataObject) -> None:
    sealer = Sealer(PlainKeys())
    sealed = bytearray(sealer.seal(b"secret", b"place"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Unsealable):
        sealer.open(bytes(sealed), b"place")


@given(st.integers(0, 100))
def test_a_cut_value_is_seen(length: int) -> None:
    sealer = Sealer(PlainKeys())
    sealed = sealer.seal(b"secret", b"place")
    with pytest.raises(Unsealable):
        sealer.open(sealed[: min(length, len(sealed) - 1)], b"place")


def test_another_context_does_not_open() -> None:
    sealer = Sealer(PlainKeys())
    with pytest.raises(Unsealable):
        sealer.open(sealer.seal(b"secret", b"place"), b"elsewhere")


def test_equal_values_are_sealed_differently_with_one_data_key() -> None:
    keys = PlainKeys()
    sealer = Sealer(keys)
    assert sealer.seal(b"secret", b"place") != sealer.seal(b"secret", b"place")
    assert keys.wrapped == 1


def test_forget_takes_a_new_data_key() -> None:
    keys = PlainKeys()
    sealer = Sealer(keys)
    first = sealer.seal(b"secret", b"")
    sealer.forget()
    sealer.seal(b"secret", b"")
    assert keys.wrapped == 2
    assert sealer.open(first, b"") == b"secret"
