"""Pages of sealed rows, opened."""

from collections.abc import Sequence

from statordb.crypto.rows import CLEAR_BYTES, RowSealer, clear_of
from statordb.engine.contract import Page, Place
from statordb.store.sealed.bodies import LENGTH_BYTES, opened, opened_of, pack_space
from statordb.store.sealed.places import Hidden


def range_page(
    sealer: RowSealer, space: int, partition: bytes, place: bytes, page: Page, head: int | None, skip: int = 0
) -> Page:
    """Rows of one partition. `head`: give only that many bytes of each. Raises UnknownKey, Unsealable."""
    place_of = page.place
    rows = page.bodies
    bounds = page.names
    if bounds is None:
        begin = pack_space(space) + place
        bounds = [begin + place_of(index)[1] for index in range(len(rows))]
    found = _items(sealer, rows, bounds, LENGTH_BYTES + len(partition), skip)
    if found is None:
        found = [opened_of(sealer, *each, partition, skip) for each in zip(bounds, rows, strict=True)]
    if head is not None:
        found = [body[:head] for body in found]
    return Page(found, page.stop, page.bytes, lambda index: (partition, place_of(index)[1]))


def _items(
    sealer: RowSealer, rows: Sequence[bytes], bounds: Sequence[bytes], tail: int, skip: int
) -> list[bytes] | None:
    """The bodies of items; None where not all rows are."""
    texts = sealer.open_items(rows, bounds, tail)
    if texts is None or skip == CLEAR_BYTES:
        return texts
    return [(b"\x01" + sealed[1:CLEAR_BYTES] + text)[skip:] for sealed, text in zip(rows, texts, strict=True)]


def scan_page(sealer: RowSealer, space: int, page: Page, head: int | None) -> Page:
    """Rows of any partitions. `head`: as above. Raises UnknownKey, Unsealable."""
    begin, names = pack_space(space), page.names
    place_of = page.place
    found: list[bytes] = []
    places: list[Place] = []
    for index, sealed in enumerate(page.bodies):
        place, sort = place_of(index)
        bound = begin + place + sort if names is None else names[index]
        body, partition = opened(sealer, bound, sealed, 0)
        found.append(body if head is None else body[:head])
        places.append((partition, sort))
    return Page(found, page.stop, page.bytes, places.__getitem__)


def heads_page(page: Page, partition: bytes | None) -> Page | None:
    """What is readable of items; None where there is anything else on the page. Where the partition is not known,
    places have its hash, by which one can go on, and read the row."""
    found: list[bytes] = []
    for sealed in page.bodies:
        head = clear_of(sealed, CLEAR_BYTES)
        if head is None:
            return None
        found.append(head)
    place_of = page.place

    def place(index: int) -> Place:
        hidden, sort = place_of(index)
        return (Hidden(hidden) if partition is None else partition), sort

    return Page(found, page.stop, page.bytes, place)
