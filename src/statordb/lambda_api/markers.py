"""Markers of lists: the name behind which a list goes on."""

from statordb.lambda_api import errors
from statordb.model import markers


def write(name: str) -> str:
    return markers.write(name)


def read(marker: str | None) -> str | None:
    """The name in a marker, None for none (or an empty one). Raises InvalidParameterValueException."""
    if not marker:
        return None
    try:
        return markers.read(marker)
    except ValueError:
        raise errors.invalid_parameter("Invalid Marker") from None
