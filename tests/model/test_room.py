"""Room that is taken as it is filled."""

import resource

from statordb.model.room import room_for


def test_room_for_a_large_answer_is_not_filled_before_it_is_used() -> None:
    """Zeros of twelve megabytes would hold the loop for 10 ms."""
    page = resource.getpagesize()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    room = room_for(64 << 20)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < (64 << 20) // page // 10
    room[-3:] = b"end"
    assert (len(room), bytes(room[-4:])) == (64 << 20, b"\0end")


def test_small_room_is_room_too() -> None:
    room = room_for(3)
    room[:] = b"abc"
    assert bytes(room) == b"abc"
