"""Where jobs read from and write to: buckets of others, as far as the settings let the server, and S3's faults as jobs
tell of them."""

from collections.abc import Callable, Mapping, Sequence

from statordb.model.limits import JOB_OBJECTS_MAX
from statordb.objects.contract import PAGE_OBJECTS_MAX, Bucket, Entry, Objects
from statordb.objects.faults import AccessDenied, Away, BadCredentials, BadName, NoSuchBucket, ObjectsFault
from statordb.outbound.permissions import NotAllowed

Check = Callable[[str], None]
"""Raises NotAllowed for the ARN of a bucket that the settings leave out."""


class Failed(Exception):
    """A job can't be done. `code`, `text`: as it tells."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class Sources:
    """Buckets, by what a request says of them."""

    def __init__(self, objects: Objects, check: Check) -> None:
        self._objects = objects
        self._check = check

    def bucket(self, asked: Mapping[str, str]) -> Bucket:
        """Raises Failed."""
        name = asked["S3Bucket"]
        try:
            self._check(f"arn:aws:s3:::{name}")
            return self._objects.bucket(name, asked.get("S3BucketOwner", ""))
        except NotAllowed as fault:
            raise Failed("S3AccessDenied", str(fault)) from None
        except ObjectsFault as fault:
            raise failed(fault) from None

    async def listed(self, asked: Mapping[str, str]) -> Sequence[Entry]:
        """The objects whose names begin with the prefix. Raises Failed, and what may pass (Away)."""
        bucket, found = self.bucket(asked), list[Entry]()
        try:
            while True:
                after = found[-1].name if found else ""
                page = await bucket.list(asked.get("S3KeyPrefix") or "", after)
                found += page
                if len(found) > JOB_OBJECTS_MAX:
                    raise Failed("LimitExceeded", f"There are more than {JOB_OBJECTS_MAX} objects with this prefix.")
                if len(page) < PAGE_OBJECTS_MAX:
                    return found
        except ObjectsFault as fault:
            raise failed(fault) from None


def failed(fault: ObjectsFault) -> Exception:
    """What a fault of S3 comes to for a job; one that may pass stays as it is."""
    if isinstance(fault, Away):
        return fault
    code = f"S3{fault.code}"
    if isinstance(fault, NoSuchBucket | BadName):
        code = "S3NoSuchBucket"
    elif isinstance(fault, AccessDenied | BadCredentials):
        code = "S3AccessDenied"
    return Failed(code, f"{fault.text} (Service: Amazon S3; Error Code: {fault.code})")
