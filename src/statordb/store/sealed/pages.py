"""Pages of sealed rows, opened in one pass."""

from collections.abc import Callable, Sequence

from statordb.crypto.rows import CLEAR_BYTES, RowSealer, clear_of
from statordb.engine.contract import Key, Page, Place
from statordb.store.sealed.bodies import (
    BODY_FORM,
    LENGTH_BYTES,
    body_end,
    opened,
    opened_of,
    pack_space,
)
from statordb.store.sealed.places import Hidden


def range_page(
    sealer: RowSealer, space: int, partition: bytes, place: bytes, page: Page, head: int | None, skip: int = 0
) -> Page:
    """Rows of one partition: the page itself, once all of it is opened. `head`: give only that many bytes of each.
    Raises UnknownKey, Unsealable."""
    rows, names = page.bodies, _names(space, page)
    found = sealer.open_items(rows, names, LENGTH_BYTES + len(partition))
    if found is None:
        found = [opened_of(sealer, name, sealed, 0, partition, skip) for name, sealed in zip(names, rows, strict=True)]
    elif skip != CLEAR_BYTES:
        found = [_whole(sealed, text)[skip:] for sealed, text in zip(rows, found, strict=True)]
    if head is not None:
        found = [body[:head] for body in found]
    place_of = page.place
    page.bodies, page.names = found, None
    page.heads = rows if skip == CLEAR_BYTES else None  # the front of an item is not sealed
    page.place = lambda index: (partition, place_of(index)[1])
    return page


def scan_page(sealer: RowSealer, space: int, page: Page, head: int | None) -> Page:
    """Rows of any partitions. `head`: as above. Raises UnknownKey, Unsealable."""
    rows, names = page.bodies, _names(space, page)
    texts = sealer.open_items(rows, names, 0)
    if texts is None:
        each = [opened(sealer, name, sealed, 0) for name, sealed in zip(names, rows, strict=True)]
        return _scanned(page, [body for body, _ in each], head, lambda index: each[index][1])
    found = texts
    ends = list(map(body_end, texts))
    bodies = [
        b"".join((BODY_FORM, sealed[1:CLEAR_BYTES], text[:end]))
        for sealed, text, end in zip(rows, texts, ends, strict=True)
    ]
    return _scanned(page, bodies, head, lambda index: found[index][ends[index] : -LENGTH_BYTES])


def opened_each(
    sealer: RowSealer, keys: Sequence[Key], names: Sequence[bytes], kept: Sequence[bytes | None], at: int
) -> list[bytes | None]:
    """Bodies of single rows, each of which begins at `at` in what is kept of it. Raises UnknownKey, Unsealable."""
    rows = [sealed[at:] for sealed in kept if sealed is not None]
    bounds = [name for name, sealed in zip(names, kept) if sealed is not None]  # noqa: B905  # of one length
    texts = sealer.open_items(rows, bounds, 0)
    if texts is None:
        return [
            None if sealed is None else opened_of(sealer, name, sealed, at, key[1], 0)
            for key, name, sealed in zip(keys, names, kept, strict=True)
        ]
    bodies = map(_whole, rows, texts)
    return [
        None if sealed is None else next(bodies)[: -LENGTH_BYTES - len(key[1])]
        for key, sealed in zip(keys, kept)  # noqa: B905  # of one length
    ]


def _scanned(page: Page, bodies: list[bytes], head: int | None, partition: Callable[[int], bytes]) -> Page:
    place_of = page.place
    if head is not None:
        bodies = [body[:head] for body in bodies]
    return Page(bodies, page.stop, page.bytes, lambda index: (partition(index), place_of(index)[1]))


def _names(space: int, page: Page) -> Sequence[bytes]:
    if page.names is not None:
        return page.names
    begin = pack_space(space)
    return [begin + place + sort for place, sort in map(page.place, range(len(page.bodies)))]


def _whole(sealed: bytes, text: bytes) -> bytes:
    """An item's body of what was sealed of it."""
    return BODY_FORM + sealed[1:CLEAR_BYTES] + text


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
