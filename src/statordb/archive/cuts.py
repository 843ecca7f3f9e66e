"""Where a table's history may be cut: between updates, of which each may have several changes."""

from collections.abc import Collection

NEAR_CHANGES = 1000  # so many steps from a cut may an update's changes reach: it has a hundred at most


def whole(sequences: Collection[int], cut: int, step: int) -> int:
    """The highest cut, at most the given one, that has no update's changes on both sides. `sequences`: of all changes
    near. `step`: by which those of one update follow each other; 0: nothing comes between them, and so no cut either.
    Several updates of one process may follow each other so: then all of them are left out, which nobody was told of at
    that moment."""
    if not step:
        return cut
    known = set(sequences)
    while True:
        crossing = [each for each in known if each > cut >= each - step and each - step in known]
        if not crossing:
            return cut
        first = min(crossing)
        while first - step in known:
            first -= step
        cut = first - 1
