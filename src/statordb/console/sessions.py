"""Who has signed in: an access key in this process's memory, against a cookie that tells nothing."""

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from statordb.console.limits import SESSION_IDLE_SECONDS, SESSION_SECONDS, SESSIONS_MAX, SIGN_INS_A_MINUTE_MAX

Monotonic = Callable[[], float]
MINUTE_SECONDS = 60.0
ID_BYTES = 32


@dataclass(slots=True)
class Session:
    """One sign-in. `csrf` is in each form of its pages, `notice` is shown once by the next page."""

    access_key_id: str
    secret: str = field(repr=False)
    region: str
    account: str
    arn: str
    since: float
    seen: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(ID_BYTES), repr=False)
    notice: str = ""
    token: str = field(default="", repr=False)  # a session token of STS


class Sessions:
    """Sessions by the hashes of their ids, which let nobody in.

    Where there are too many, the one unused for longest goes first.
    """

    def __init__(self, monotonic: Monotonic, sessions_max: int = SESSIONS_MAX) -> None:
        self._monotonic = monotonic
        self._sessions_max = sessions_max
        self._found: OrderedDict[bytes, Session] = OrderedDict()
        self._failures: deque[float] = deque(maxlen=SIGN_INS_A_MINUTE_MAX)

    def begin(self, access_key_id: str, secret: str, region: str, account: str, arn: str = "", token: str = "") -> str:
        """Make a session; the id for its cookie."""
        now = self._monotonic()
        name = secrets.token_urlsafe(ID_BYTES)
        self._found[_hashed(name)] = Session(access_key_id, secret, region, account, arn, now, now, token=token)
        while len(self._found) > self._sessions_max:
            self._found.popitem(last=False)
        return name

    def find(self, name: str) -> Session | None:
        """The session of a cookie, unless it has expired."""
        key = _hashed(name)
        session = self._found.get(key)
        if session is None:
            return None
        now = self._monotonic()
        if now - session.seen > SESSION_IDLE_SECONDS or now - session.since > SESSION_SECONDS:
            del self._found[key]
            return None
        session.seen = now
        self._found.move_to_end(key)
        return session

    def end(self, name: str) -> None:
        self._found.pop(_hashed(name), None)

    def count(self) -> int:
        """How many there are that have not expired."""
        now = self._monotonic()
        dead = [
            key
            for key, session in self._found.items()
            if now - session.seen > SESSION_IDLE_SECONDS or now - session.since > SESSION_SECONDS
        ]
        for key in dead:
            del self._found[key]
        return len(self._found)

    def failed(self) -> None:
        """Count a sign-in that was refused."""
        self._failures.append(self._monotonic())

    def may_try(self) -> bool:
        """Whether another sign-in is looked at: guesses are bounded for all who try together."""
        full = len(self._failures) == self._failures.maxlen
        return not full or self._monotonic() - self._failures[0] > MINUTE_SECONDS


def _hashed(name: str) -> bytes:
    return sha256(name.encode("utf-8", "replace")).digest()
