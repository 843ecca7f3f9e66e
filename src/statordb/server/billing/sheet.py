"""The price sheet that the settings name, else the one of the package."""

from pathlib import Path

from statordb.metering.prices import BUNDLED, SHEET_BYTES_MAX, BadSheet, PriceSheet, parse
from statordb.server.settings import BadStart


def load(path: Path | None) -> PriceSheet:
    """Read it. Raises BadStart."""
    try:
        with (path or BUNDLED).open("rb") as file:
            return parse(file.read(SHEET_BYTES_MAX + 1))
    except OSError as fault:
        raise BadStart(f"The price sheet {path or BUNDLED} can't be read: {fault.strerror}.") from None
    except BadSheet as fault:
        raise BadStart(f"The file {path or BUNDLED} is no price sheet: {fault}.") from None
