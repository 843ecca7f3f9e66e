"""Markers of lists: the name behind which a list goes on, in a form that tells nothing and may stand in an address."""

from base64 import b64decode, urlsafe_b64encode


def write(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode()


def read(marker: str) -> str:
    """The name in a marker. Raises ValueError."""
    return b64decode(marker.encode(), b"-_", validate=True).decode()
