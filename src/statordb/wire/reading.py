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

    rest        what is still to be parsed of what was read, so that no more should be; None most of the time.
    is_held_up  that waits until some of the requests before it are answered.
    """

    __slots__ = ("_answers", "_context", "_incoming", "_owner", "is_held_up", "rest")

    def __init__(self, context: WireContext, incoming: Incoming, answers: Answers, owner: Owner) -> None:
        self._context = context
        self._incoming = incoming
        self._answers = answers
        self._owner = owner
        self.rest: memoryview | None = None
        self.is_held_up = False

    def take(self, data: bytes) -> None:
        """Take what was read. Never raises."""
        if self.rest is not None:
            self.rest = memoryview(b"".join((self.rest, data)))
        elif len(data) <= PARSED_HEAD_BYTES:
            self._incoming.feed(data)
        else:
            self.rest = memoryview(data)
            self.go_on()

    def go_on(self) -> None:
        """Parse some of what is left of the last read."""
        context, incoming = self._context, self._incoming
        self.is_held_up = False
        while self.rest is not None and not incoming.is_done:
            size = PARSED_BODY_BYTES if incoming.phase == BODY else PARSED_HEAD_BYTES
            piece, rest = self.rest[:size], self.rest[size:]
            self.rest = rest if rest else None
            incoming.feed(piece)
            if self.rest is None:
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
        rest, self.rest = self.rest, None
        if rest is not None and not self._incoming.is_done:
            self._incoming.feed(rest)

    def drop(self) -> None:
        """Nothing more is taken."""
        self.rest = None
        self.is_held_up = False

    def lost(self) -> None:
        """The connection is gone."""
        self.drop()
        del self._owner  # which holds this object
