"""The protocol as data: whole, obeyed, and told in the docs as it is."""

import itertools
from pathlib import Path

import pytest

from statordb.engine.cassandra.several.marks import MARK_SECONDS, MARKS_MAX, Marks
from statordb.engine.cassandra.several.protocol import NAMES, TRANSITIONS, Course, OutOfOrder, State

ARCHITECTURE = Path(__file__).parents[4] / "docs" / "architecture.md"
WAYS = {(state, transition.next): transition.name for transition in TRANSITIONS for state in transition.states}


def test_the_protocol_is_whole() -> None:
    """Every state but the first is reached, and every state but the last is left, by some transition."""
    assert {transition.next for transition in TRANSITIONS} == set(State) - {State.PLANNED}
    assert {state for transition in TRANSITIONS for state in transition.states} == set(State) - {State.FORGOTTEN}
    assert len(NAMES) == len({transition.next for transition in TRANSITIONS}) == len(TRANSITIONS)


@pytest.mark.parametrize(("state", "to"), list(itertools.product(State, State)), ids=lambda state: state.value)
def test_a_course_goes_where_the_protocol_leads_and_nowhere_else(state: State, to: State) -> None:
    told: list[str] = []
    course = Course(told.append, state)
    again = state is to and to is not State.PLANNED  # the write for the next partition, or the same once more
    if (state, to) in WAYS or again:
        course.step(to)
        assert course.state is to
        assert told == ([WAYS[state, to]] if not again else [_into(to)])
        Course(told.append, state).skip(to)
        assert len(told) == 1
    else:
        for go in (course.step, course.skip):
            with pytest.raises(OutOfOrder):
                go(to)
        assert course.state is state
        assert not told


def _into(state: State) -> str:
    return next(transition.name for transition in TRANSITIONS if transition.next is state)


def test_the_docs_have_the_protocol_as_it_is() -> None:
    """The table of docs/architecture.md is made from the transitions: copy what this says is missing."""
    text = ARCHITECTURE.read_text()
    for transition in TRANSITIONS:
        states = ", ".join(state.value for state in transition.states)
        row = (transition.name, states, transition.event, transition.next.value, transition.leaves, transition.repair)
        assert f"| {' | '.join(row)} |" in text


def test_a_mark_is_as_old_as_it_has_been_seen() -> None:
    """Whatever the clock said that its id was made by."""
    now = 0.0
    marks = Marks(lambda: now)
    assert not marks.is_old(b"made long ago by a clock that is slow")
    now = MARK_SECONDS
    assert not marks.is_old(b"made long ago by a clock that is slow")
    assert not marks.is_old(b"another")
    now += 0.1
    assert marks.is_old(b"made long ago by a clock that is slow")
    assert not marks.is_old(b"another")


def test_few_marks_are_remembered() -> None:
    now = 0.0
    marks = Marks(lambda: now)
    for number in range(MARKS_MAX + 1):
        marks.is_old(b"%d" % number)
    now = 2 * MARK_SECONDS
    assert not marks.is_old(b"0")
    assert marks.is_old(b"2")
