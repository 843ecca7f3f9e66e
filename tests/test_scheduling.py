"""Tests of one file share a process, those that break nodes come first, and no process is left idle."""

from tests.scheduling import breaks_nodes, chooser, scope_of, shares_nodes, turn

BREAKS = "tests/faults/test_cassandra.py::test_no_promise_is_broken[server killed]"
BREAKS_TOO = "tests/cassandra/test_cluster.py::test_a_killed_node"
USES = "tests/engine/contract/test_pages.py::test_page[cassandra]"
OTHER = "tests/engine/contract/test_pages.py::test_page[lmdb]"
OWN = "tests/cassandra/test_secured.py::test_tls"


def test_who_shares_the_nodes_and_who_breaks_them() -> None:
    assert [shares_nodes(each) for each in (BREAKS, BREAKS_TOO, USES, OTHER, OWN)] == [False, False, True, False, False]
    assert [breaks_nodes(each) for each in (BREAKS, BREAKS_TOO, USES, OTHER, OWN)] == [True, True, False, False, False]


def test_a_file_has_one_process_for_each_kind_and_breakers_have_one() -> None:
    assert scope_of(BREAKS) == scope_of(BREAKS_TOO)
    assert len({scope_of(each) for each in (BREAKS, USES, OTHER, OWN)}) == 4
    assert scope_of(OTHER) == scope_of(OTHER.replace("test_page[", "test_other["))
    assert scope_of(USES) == scope_of(USES.replace("test_pages", "test_heads"))
    assert scope_of(OTHER) != scope_of(OTHER.replace("test_pages", "test_heads"))


def test_breakers_come_first() -> None:
    assert sorted((OWN, OTHER, USES, BREAKS, BREAKS_TOO), key=turn)[:2] == [BREAKS_TOO, BREAKS]


def test_one_process_has_the_nodes_and_helps_the_others_when_it_is_done() -> None:
    choose = chooser()
    waiting = [scope_of(each) for each in (BREAKS, OWN, USES, OTHER)]

    def taken(process: str) -> str:
        chosen = choose(process, waiting)
        waiting.remove(chosen)
        return chosen

    assert [taken(process) for process in ("one", "two", "one", "one")] == [
        scope_of(each) for each in (BREAKS, OWN, USES, OTHER)
    ]


def test_the_others_help_with_the_nodes() -> None:
    choose = chooser()
    assert choose("one", [scope_of(BREAKS), scope_of(OWN)]) == scope_of(BREAKS)
    assert choose("two", [scope_of(USES)]) == scope_of(USES)
