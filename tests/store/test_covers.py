"""Which spaces are sealed under keys of KMS: the latest version counts of the tables that somebody has."""

from random import Random

import pytest

from statordb.store.sealed.covers import Cover, Covered, Covers

SPACES = {1: (7,), 2: (7, 8), 3: (7, 9)}  # an index came, and another one took its place


@pytest.mark.parametrize("seed", range(20))
def test_the_latest_version_that_is_there_counts(seed: int) -> None:
    random = Random(seed)
    covers = Covers()
    there: list[tuple[int, Cover]] = []
    for _ in range(200):
        if there and random.random() < 0.5:
            there.pop(random.randrange(len(there)))
        else:
            version = random.choice(list(SPACES))
            there.append((version, Cover(covers, Covered(SPACES[version], version, None))))
        latest = max((version for version, _ in there), default=0)
        assert {space: covers.by_space[space].version for space in SPACES.get(latest, ())} == dict.fromkeys(
            SPACES.get(latest, ()), latest
        )
        assert set(covers.by_space) <= {space for version, _ in there for space in SPACES[version]}
    there.clear()
    assert covers.by_space == {}


def test_tables_do_not_get_in_each_others_way() -> None:
    covers = Covers()
    one, other = Cover(covers, Covered((1, 2), 1, None)), Cover(covers, Covered((3,), 1, None))
    del one
    assert set(covers.by_space) == {3}
    del other
    assert not covers.by_space
