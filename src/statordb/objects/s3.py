"""Objects in S3, or in what speaks its API.

The server's own are in one bucket, below a prefix; what lies there nobody reaches who names that bucket. Calls are
short, and none is open between two chunks: an object is read range by range, as long as it stays the same one, and
written in one request or in parts.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from statordb.model.daemon_thread import in_daemon_thread
from statordb.objects import faults
from statordb.objects.calls import Range, blocks, ranges
from statordb.objects.contract import NAME_BYTES_MAX, PAGE_OBJECTS_MAX, Encryption, Entry, Written
from statordb.objects.names import check_bucket, check_name
from statordb.objects.place import S3Place
from statordb.objects.s3_client import S3Client
from statordb.objects.s3_faults import code_of
from statordb.objects.s3_upload import PART_BYTES, Upload

RANGE_BYTES = 4 * 1024 * 1024
RANGE_TRIES = 3  # where a connection breaks in the middle of one
UPLOAD_SECONDS_MAX = 2 * 24 * 3600.0  # of an upload that is still to be completed
LAST = "\U0010ffff"  # above all that a name of ours goes on with


class S3Objects:
    """See Objects. `credentials`: see `opening.open_objects`."""

    def __init__(self, place: S3Place, credentials: Path | None = None) -> None:
        self._place = place
        self._client = S3Client(place, credentials)
        self.own = S3Bucket(self._client, place.bucket, place.prefix)

    def bucket(self, name: str, owner: str = "") -> "S3Bucket":
        """See Objects."""
        check_bucket(name)
        return S3Bucket(self._client, name, "", owner, self._place.prefix if name == self._place.bucket else None)

    async def close(self) -> None:
        """See Objects."""
        self._client.close()


class S3Bucket:
    """See Bucket. Names are kept behind `prefix`. `reserved`: what names there may not begin with; None: nothing is."""

    def __init__(
        self, client: S3Client, bucket: str, prefix: str = "", owner: str = "", reserved: str | None = None
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._reserved = reserved
        self._is_own = bool(prefix) or reserved is None
        self._named = {"Bucket": bucket} | ({"ExpectedBucketOwner": owner} if owner else {})

    async def put(self, name: str, chunks: AsyncIterable[bytes], encryption: Encryption | None = None) -> Written:
        """See Bucket."""
        named, how = self._object(name), _how(encryption)
        upload = await self._client.run(lambda client: Upload(client, named, how))
        async with aclosing(blocks(chunks, PART_BYTES)) as parts:
            part, following = await anext(parts, b""), await anext(parts, None)
            if following is None:
                return await self._client.run(lambda client: upload.whole(part))
            try:
                while following is not None:
                    await self._client.run(partial(_put_part, upload, part))
                    part, following = following, await anext(parts, None)
                await self._client.run(partial(_put_part, upload, part))
                return await self._client.run(lambda client: upload.complete())
            except Exception:
                with suppress(faults.ObjectsFault):
                    await self._client.run(lambda client: upload.abort())
                raise
            except BaseException:  # cancelled: behind the call that goes on
                with suppress(RuntimeError):
                    in_daemon_thread("objects", upload.abort)
                raise

    def get(self, name: str, begin: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """See Bucket."""

        async def read(begin: int, end: int, tag: str) -> Range:
            named = self._object(name)
            return await self._client.run(lambda client: _read(client, named, begin, end, tag))

        return ranges(read, begin, end, RANGE_BYTES)

    async def head(self, name: str) -> Entry:
        """See Bucket. By a list, as HeadObject does not tell whether it is the object that is missing or the bucket."""
        self._object(name)
        found = await self.list(name, "", 1)
        if not found or found[0].name != name:
            raise faults.no_such_object()
        return found[0]

    async def list(self, prefix: str = "", after: str = "", limit: int = PAGE_OBJECTS_MAX) -> Sequence[Entry]:
        """See Bucket."""
        assert 0 < limit <= PAGE_OBJECTS_MAX
        if self._reserved == "":
            raise faults.access_denied()
        found: list[Entry] = []
        while True:
            page, has_more = await self._page(prefix, after, limit - len(found))
            found += (entry for entry in page if not self._is_reserved(entry.name))
            if not has_more or len(found) >= limit:
                return found
            after = page[-1].name
            if self._is_reserved(after):
                after = f"{self._reserved}{LAST}"

    async def delete(self, name: str) -> None:
        """See Bucket."""
        named = self._object(name)
        await self._client.run(lambda client: client.delete_object(**named))

    async def sweep(self) -> int:
        """See Bucket. In buckets of others, uploads may be others'."""
        if not self._is_own:
            return 0
        return await self._client.run(self._abort_old_uploads)

    async def _page(self, prefix: str, after: str, limit: int) -> tuple[Sequence[Entry], bool]:
        """One answer of S3, which may have fewer than there are. Whether there are more."""
        asked: dict[str, Any] = {**self._named, "Prefix": self._prefix + prefix, "MaxKeys": limit}
        if after:
            asked["StartAfter"] = self._prefix + after
        answer = await self._client.run(lambda client: client.list_objects_v2(**asked))
        start = len(self._prefix)
        found = [
            Entry(each["Key"][start:], each["Size"], each["LastModified"].timestamp())
            for each in answer.get("Contents", ())
        ]
        return found, bool(answer.get("IsTruncated")) and bool(found)

    def _abort_old_uploads(self, client: Any) -> int:
        aborted = 0
        pages = client.get_paginator("list_multipart_uploads").paginate(**self._named, Prefix=self._prefix)
        for page in pages:
            for each in page.get("Uploads", ()):
                if time.time() - each["Initiated"].timestamp() > UPLOAD_SECONDS_MAX:
                    client.abort_multipart_upload(**self._named, Key=each["Key"], UploadId=each["UploadId"])
                    aborted += 1
        return aborted

    def _object(self, name: str) -> dict[str, str]:
        """The parameters that name an object. Raises BadName, AccessDenied."""
        check_name(name)
        if self._is_reserved(name):
            raise faults.access_denied()
        key = self._prefix + name
        if len(key.encode()) > NAME_BYTES_MAX:
            raise faults.too_long_name()
        return {**self._named, "Key": key}

    def _is_reserved(self, name: str) -> bool:
        return self._reserved is not None and name.startswith(self._reserved)


def _how(encryption: Encryption | None) -> dict[str, str]:
    if encryption is None:
        return {}
    key = {"SSEKMSKeyId": encryption.kms_key} if encryption.kms_key else {}
    return {"ServerSideEncryption": encryption.algorithm, **key}


def _put_part(upload: Upload, part: bytes, client: Any) -> None:
    upload.part(part)


def _read(client: Any, named: dict[str, str], begin: int, end: int, tag: str) -> Range:
    """Raises what botocore does, and Damaged."""
    from botocore.exceptions import HTTPClientError

    asked = {**named, "Range": f"bytes={begin}-{end - 1}"} | ({"IfMatch": tag} if tag else {})
    for tries_left in reversed(range(RANGE_TRIES)):
        try:
            answer = client.get_object(**asked)
            size = int(answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"])
            data = answer["Body"].read(end - begin)
            if len(data) < min(end, size) - begin:
                raise OSError("the connection broke")
            return Range(data, answer["ETag"], size)
        except (HTTPClientError, OSError):
            if not tries_left:
                raise
        except Exception as error:
            if code_of(error) == "InvalidRange":  # it ends before
                return Range(b"", tag, begin)
            if code_of(error) in ("PreconditionFailed", "412"):
                raise faults.replaced(named["Key"]) from None
            raise
    raise AssertionError
