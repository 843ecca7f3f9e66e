"""Which of the store's own rows go with it to another place."""

from statordb.store.keyspace import Space
from statordb.store.whole.system import CARRIED, LEFT


def test_of_every_space_it_is_known_whether_its_rows_are_carried() -> None:
    assert {*CARRIED, *LEFT} == set(Space)
    assert not {*CARRIED} & {*LEFT}
