"""The sketch of keys: bounded whatever comes, and right about what comes often."""

from random import Random

from statordb.metering.key_use import ACCESSED, PAIR, PARTITION, THROTTLED, KeyUse, Kind, Part
from statordb.metering.minutes import Minutes
from statordb.metering.sketch import COUNTERS_MAX, Sketch


def test_frequent_keys_are_found_among_many() -> None:
    sketch, random = Sketch(), Random(1)
    for number in range(5000):
        sketch.add(("hot",) if number % 10 == 0 else (f"cold{random.randrange(100_000)}",))
    assert len(sketch.counts) == COUNTERS_MAX
    assert len(sketch.errors) <= COUNTERS_MAX
    (key, counted), *_ = sketch.told()
    assert key == ("hot",)
    assert counted.times - counted.error <= 500 <= counted.times
    assert sketch.total == 5000


def test_what_is_not_looked_at_counts_all_the_same() -> None:
    random = Random(1)
    use = KeyUse({"": Part(("p",), True)}, Minutes(), lambda: 0.0, lambda most: random.randint(1, most))
    looked = 0
    for _ in range(100_000):
        times = use.draw()
        if times:
            looked += 1
            use.add("", ["a"], ACCESSED, times)
    ((_, seen),) = use.minutes()
    assert looked < 5000
    assert abs(seen[Kind("", PARTITION, ACCESSED)].total - 100_000) < 5000


def test_each_minute_begins_anew() -> None:
    now = 0.0
    use = KeyUse({"": Part(("p", "s"), False)}, Minutes(), lambda: now, lambda most: 1)
    use.add("", ["a", "b"], THROTTLED, 1)
    use.add("", ["a", "b"], ACCESSED, 1)  # which is not asked for
    use.add("other", ["a"], THROTTLED, 1)
    now = 60.0
    use.add("", ["x" * 1000], THROTTLED, 1)
    told = dict(use.minutes())
    assert set(told[0]) == {Kind("", PARTITION, THROTTLED), Kind("", PAIR, THROTTLED)}
    assert [len(key[0]) for key in told[60][Kind("", PARTITION, THROTTLED)].counts] == [256]
    assert [minute for minute, _ in use.minutes()] == [60]  # the first one is over, and was told
