"""Tables that are closed: the key that they are encrypted with can't be used."""

from collections.abc import Iterable
from typing import NamedTuple

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store.kms.keys import Keys, KeyUnusable
from statordb.store.kms.records import DISABLED, PENDING_IMPORT, KeyName


class Closed(NamedTuple):
    """Why a table is closed. `state`: of its key, "" where that is gone; `since`: seconds since the epoch, None where
    that is not known any more."""

    key_arn: str
    state: str
    since: float | None

    def error(self) -> ClientError:
        """What operations on the table's items are answered."""
        if self.state == DISABLED:
            fault = errors.kms_fault("DisabledException", f"{self.key_arn} is disabled.")
            return errors.validation_as_it_is(f"KMS key disabled error: {fault}")
        if self.state:
            text = "import" if self.state == PENDING_IMPORT else "deletion"
            fault = errors.kms_fault("KMSInvalidStateException", f"{self.key_arn} is pending {text}.")
            return errors.validation_as_it_is(f"KMS key disabled error: {fault}")
        fault = errors.kms_fault("NotFoundException", f"Key '{self.key_arn}' does not exist")
        return errors.validation_as_it_is(f"KMS key not found error: {fault}")


async def closed_by(keys: Keys, names: Iterable[KeyName]) -> Closed | None:
    """Why a table is closed some of whose rows may be wrapped by these keys; None while it is open."""
    for name in names:
        try:
            await keys.usable(name)
        except KeyUnusable as unusable:
            return closed_of(unusable)
    return None


def closed_of(unusable: KeyUnusable) -> Closed:
    """What a key that can't be used does to tables that have it."""
    arn, record = unusable.name.arn, unusable.record
    return Closed(arn, "", None) if record is None else Closed(arn, record.state, record.changed_at)
