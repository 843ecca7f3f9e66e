"""Markers of lists: the name behind which a list goes on."""

from base64 import b64decode, urlsafe_b64encode

from statordb.lambda_api import errors


def write(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode()


def read(marker: str | None) -> str | None:
    """The name in a marker, None for none (or an empty one). Raises InvalidParameterValueException."""
    if not marker:
        return None
    try:
        return b64decode(marker.encode(), b"-_", validate=True).decode()
    except ValueError:
        raise errors.invalid_parameter("Invalid Marker") from None
