"""Unique ids of identities and policies. IAM user guide, "Unique identifiers"."""

from collections.abc import Callable

USER_ID, GROUP_ID, ROLE_ID, POLICY_ID = "AIDA", "AGPA", "AROA", "ANPA"
CHARACTERS = 17  # behind the prefix
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def new_id(prefix: str, random: Callable[[int], bytes]) -> str:
    """An id of 85 random bits: none is given twice. Each character takes the low 5 bits of a byte."""
    return prefix + "".join(_ALPHABET[byte & 31] for byte in random(CHARACTERS))
