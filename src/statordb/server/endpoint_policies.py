"""The policies of endpoints: files, read again when they have changed."""

import logging
from pathlib import Path

from statordb.access import blame
from statordb.access.document import Kind, Policy, compile_policy
from statordb.access.formats import MalformedPolicy
from statordb.server.settings import BadStart

POLICY_BYTES_MAX = 128 * 1024

log = logging.getLogger(__name__)


class PolicyFile:
    """The policy of an endpoint. Raises BadStart if the file has none when it is made.

    `look`, called now and then, takes a file that has changed; one that can't be used leaves everything as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._facts = self._changed()
        try:
            self.policy = self._read()
        except OSError as error:
            raise BadStart(f"The policy {path} of an endpoint can't be read: {error.strerror}.") from None
        except ValueError as error:
            raise BadStart(f"The policy {path} of an endpoint is none: {error}") from None

    def look(self) -> bool:
        """Returns whether there is another policy now."""
        facts = self._changed()
        if facts == self._facts:
            return False
        self._facts = facts
        try:
            found = self._read()
        except (OSError, ValueError) as error:
            log.error("policy of an endpoint can't be used", extra={"path": str(self._path), "reason": str(error)})
            return False
        if found == self.policy:
            return False
        self.policy = found
        log.info("policy of an endpoint changed", extra={"path": str(self._path)})
        return True

    def _read(self) -> Policy:
        """Raises OSError, ValueError."""
        with self._path.open("rb") as file:
            text = file.read(POLICY_BYTES_MAX + 1)
        if len(text) > POLICY_BYTES_MAX:
            raise ValueError(f"it has more than {POLICY_BYTES_MAX} bytes.")
        document = text.decode()
        try:
            return compile_policy(document, Kind.RESOURCE)
        except MalformedPolicy as fault:
            place = blame.place_of(document, Kind.RESOURCE)
            raise ValueError(f"{fault.args[0]}{f' ({place})' if place else ''}") from None

    def _changed(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
