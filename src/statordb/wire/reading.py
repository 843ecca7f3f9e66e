"""What a connection has read and not parsed yet: more than a little of it is parsed in slices, between which others
run."""

from typing import Protocol

from statordb.model.limits import KIB
from statordb.wire.answers import Answers
from statordb.wire.context import WireContext
from statordb.wire.incoming import BODY, Incoming

PARSED_HEAD_BYTES = 4 * KIB  # parsed in one go: some 200 of the smallest requests
PARSED_BODY_BYTES = 64 * KIB  # the same within a body, where they are only copied and hashed


class Owner(Protocol):
    """The connection, as its reading sees it."""

    def answered(self) -> None:
        """More may be read, or less."""


class Reading:
    """Feeds `incoming`.

    is_held_up  there is more to parse, which waits until some of the requests before it are answered.
    """

    __slots__ = ("_answers", "_context", "_incoming", "_owner", "_rest", "is_held_up")

    def __init__(self, context: WireContext, incoming: Incoming, answers: Answers, owner: Owner) -> None:
        self._context = context
        self._incoming = incoming
        self._answers = answers
        self._owner = owner
        self._rest: memoryview | None = None
        self.is_held_up = False

    @property
    def is_behind(self) -> bool:
        """Whether there is more to parse, so that no more should be read."""
        return self._rest is not None

    def take(self, data: bytes) -> None:
        """Take what was read. Never raises."""
        if self._rest is not None:
            self._rest = memoryview(b"".join((self._rest, data)))
        elif len(data) <= PARSED_HEAD_BYTES:
            self._incoming.feed(data)
        else:
            self._rest = memoryview(data)
            self.go_on()

    def go_on(self) -> None:
        """Parse some of what is left of the last read."""
        context, incoming = self._context, self._incoming
        self.is_held_up = False
        while self._rest is not None and not incoming.is_done:
            size = PARSED_BODY_BYTES if incoming.phase == BODY else PARSED_HEAD_BYTES
            piece, rest = self._rest[:size], self._rest[size:]
            self._rest = rest if rest else None
            incoming.feed(piece)
            if self._rest is None:
                break
            if len(self._answers) >= context.settings.pipeline_requests_max:
                self.is_held_up = True
                break
            if not context.rounds_allow():
                context.rounds.later(self.go_on)
                break
        if not incoming.is_done:  # else that has been told
            self._owner.answered()

    def finish(self) -> None:
        """Nothing comes behind what was read: parse the rest of it."""
        rest, self._rest = self._rest, None
        if rest is not None and not self._incoming.is_done:
            self._incoming.feed(rest)

    def drop(self) -> None:
        """Nothing more is taken."""
        self._rest = None
        self.is_held_up = False

    def lost(self) -> None:
        """The connection is gone."""
        self.drop()
        del self._owner  # which holds this object
