"""Rounding of capacity units.

Reads: one unit for each 4 KB begun, half of it if eventually consistent, twice in a transaction; writes: one for each
1 KB begun, twice in a transaction; at least one of 4 or 1 KB. Source: developer guide, "DynamoDB read and write
operations".
"""

from statordb.model.limits import READ_UNIT_BYTES, WRITE_UNIT_BYTES

TRANSACTION_FACTOR = 2


def read_units(size: int, consistent: bool) -> float:
    """Units to read `size` bytes, of one item or of one page."""
    units = max(1, -(-size // READ_UNIT_BYTES))
    return float(units) if consistent else units * 0.5


def read_halves(size: int, consistent: bool) -> int:
    """The same in half units, which taps count."""
    units = max(1, -(-size // READ_UNIT_BYTES))
    return 2 * units if consistent else units


def write_units(size: int) -> int:
    """Write units of an item, or of an index's entry, of `size` bytes."""
    return max(1, -(-size // WRITE_UNIT_BYTES))
