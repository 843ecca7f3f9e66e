"""Large frames, driven without a socket."""

import resource

import pytest

from statordb.model.limits import MIB
from statordb.server.lane.frames import HEADER, Frame, FrameStream, Kind

BODY_BYTES = 4 * MIB


def feed(stream: FrameStream, data: bytes) -> None:
    """As a transport does: into the buffers that the stream gives."""
    left = memoryview(data)
    while left:
        room = stream.get_buffer(len(left))
        count = min(len(room), len(left))
        room[:count] = left[:count]
        stream.buffer_updated(count)
        left = left[count:]


@pytest.mark.parametrize("kind", [Kind.ANSWER, Kind.CALL])
def test_a_large_body_comes_whole(kind: Kind) -> None:
    frames: list[Frame] = []
    stream = FrameStream(frames.append, lambda: None)
    body = bytes(range(256)) * (BODY_BYTES // 256)
    for number in (7, 8):
        feed(stream, HEADER.pack(kind, number, 2, len(body)) + b"[]" + body)
        feed(stream, HEADER.pack(Kind.BEGUN, number, 0, 0))
    assert [(frame.kind, frame.number) for frame in frames] == [(kind, 7), (Kind.BEGUN, 7), (kind, 8), (Kind.BEGUN, 8)]
    assert all(frame.body == body and frame.head == b"[]" for frame in frames[::2])


def test_an_answer_takes_its_room_as_it_comes() -> None:
    """A worker's loop would stand for milliseconds while megabytes are filled with zeros."""
    stream = FrameStream(lambda frame: None, lambda: None)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    feed(stream, HEADER.pack(Kind.ANSWER, 7, 2, BODY_BYTES) + b"[]")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < BODY_BYTES // resource.getpagesize() // 4
