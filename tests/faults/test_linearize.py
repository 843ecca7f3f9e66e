"""The checker of register histories: it accepts what can be explained and nothing else."""

import random
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults import linearize
from tests.faults.linearize import ANY, SAME, Open, Step, Undecided, Value, unexplained, violations

VALUES: list[Value] = [None, "a", "b", "c"]


def _read(begin: float, end: float, value: Value) -> Step:
    return Step(begin, end, value, SAME)


def _put(begin: float, end: float, value: Value) -> Step:
    return Step(begin, end, ANY, value)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [_read(0, 1, None)],
        [_put(0, 1, "a"), _read(2, 3, "a")],
        [_put(0, 9, "a"), _read(1, 2, None), _read(3, 4, "a")],  # a read beside a write sees either
        [_put(0, 9, "a"), _put(0, 9, "b"), _read(1, 2, "b"), _read(3, 4, "a")],
        [_put(0, inf, "a"), _read(1, 2, None)],  # it never happened
        [_put(0, inf, "a"), _read(1, 2, None), _read(3, 4, "a")],  # it happened long after it was asked for
        [_put(0, 1, "a"), Step(2, 3, "a", "b"), Step(2, 3, "b", SAME)],  # the second was refused for what it saw
        [_put(0, 1, "a"), Step(2, inf, "a", "b"), Step(4, 5, "b", "c")],
        [_put(0, 1, "a"), _put(1, 2, "b"), _read(3, 4, "a")],  # at one moment: they may have overlapped
    ],
)
def test_what_can_be_explained(steps: list[Step]) -> None:
    assert unexplained(steps) is None


@pytest.mark.parametrize(
    "steps",
    [
        [_read(0, 1, "a")],  # nobody wrote it
        [_put(0, 1, "a"), _read(2, 3, None)],  # a lost write, or an old read
        [_put(0, 1, "a"), _put(2, 3, "b"), _read(4, 5, "a")],
        [_put(0, 9, "a"), _read(1, 2, "a"), _read(3, 4, None)],  # once seen, always seen
        [_put(0, 1, "a"), Step(2, 3, "a", "b"), Step(2, 3, "a", "c")],  # two won one race
        [_put(0, 1, "a"), Step(2, 3, None, "b")],  # "if absent" held where something was
        [_put(5, inf, "a"), _read(1, 2, "a")],  # seen before it was asked for
        [_put(0, inf, "a"), _read(1, 2, "a"), _put(3, 4, "b"), _read(5, 6, "a")],  # it happened twice
        [_put(0, 1, "a"), Step(2, inf, "b", "c"), _read(3, 4, "c")],  # its condition never held
    ],
)
def test_what_cannot_be_explained(steps: list[Step]) -> None:
    assert unexplained(steps) is not None


def test_each_register_stands_for_itself() -> None:
    broken = [_put(0, 1, "a"), _read(2, 3, None)]
    (found,) = violations({"good": [_put(0, 1, "a"), _read(2, 3, "a")], "bad": broken})
    assert found.startswith("register bad: after 1 of 2 steps it holds 'a'")


def _plainly_explained(steps: frozenset[Step], value: Value) -> bool:
    """The definition, word by word, for histories of a few different steps."""
    due = min((step.end for step in steps), default=inf)
    if due == inf:
        return True
    return any(
        _plainly_explained(steps - {step}, value if isinstance(step.leaves, Open) else step.leaves)
        for step in steps
        if step.begin <= due and step.needs in (ANY, value)
    )


_times = st.integers(0, 12)
_steps = st.builds(
    lambda begin, length, needs, leaves, text: Step(begin, begin + length, needs, leaves, text),
    _times,
    st.one_of(st.integers(0, 6), st.just(inf)),
    st.sampled_from([ANY, *VALUES]),
    st.sampled_from([SAME, *VALUES]),
    st.uuids().map(str),  # two equal steps are two
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_steps, max_size=7))
def test_it_agrees_with_the_definition(steps: list[Step]) -> None:
    assert (unexplained(steps) is None) == _plainly_explained(frozenset(steps), None)


def _history(chance: random.Random, count: int, spread: float) -> list[Step]:
    """What some clients would tell of an honest register: the i-th step takes effect at the time i."""
    value: Value = None
    steps = []
    for moment in range(count):
        begin, end = moment - chance.random() * spread, moment + chance.random() * spread
        kind = chance.choice(("read", "put", "swap", "refused", "silent", "vain"))
        new = f"v{moment}" if kind == "silent" or chance.random() < 0.8 else None  # a silent deletion excuses much
        if kind in ("read", "refused"):
            steps.append(_read(begin, end, value))
            continue
        if kind == "silent" and chance.random() < 0.3:
            steps.append(_put(begin, inf, new))
        elif kind == "vain":
            steps.append(_put(begin, inf, f"never {moment}"))
            continue
        else:
            steps.append(Step(begin, end, value if kind == "swap" else ANY, new))
        value = new
    chance.shuffle(steps)
    return steps


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 150), st.floats(0, 4))
def test_an_honest_register_is_believed(chance: random.Random, count: int, spread: float) -> None:
    assert unexplained(_history(chance, count, spread)) is None


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(20, 100), st.sampled_from(["lost", "old", "twice", "unheard"]))
def test_a_liar_is_found(chance: random.Random, count: int, lie: str) -> None:
    """A lie is added to the end of an honest history, behind all else, where nothing can excuse it."""
    late = count + 100.0
    steps = [*_history(chance, count, 3.0), _put(late, late + 1, "x")]
    told = {
        "lost": [_read(late + 2, late + 3, None)],
        "old": [_put(late + 2, late + 3, "y"), _read(late + 4, late + 5, "x")],
        "twice": [Step(late + 2, late + 3, "x", "y"), Step(late + 2, late + 3, "x", "z")],
        "unheard": [_read(late + 2, late + 3, "of nobody")],
    }
    assert unexplained(steps + told[lie]) is not None


def test_thousands_of_steps_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several times what a fault test makes of one register, with eight at once."""
    steps = _history(random.Random(7), 2_000, 8.0)
    monkeypatch.setattr(linearize, "STATES_MAX", 200_000)
    assert unexplained(steps) is None


def test_a_search_without_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linearize, "STATES_MAX", 50)
    swaps = [Step(0, 1, f"v{number}", f"w{number}") for number in range(2)]
    puts = [_put(0, 1, f"v{number}") for number in range(12)]
    with pytest.raises(Undecided):
        unexplained([*puts, *swaps, _read(2, 3, "nobody's")])
