"""An object on its way to S3: in one request, or in parts where it is large (S3's User Guide, "Multipart upload")."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import Any

from statordb.objects.contract import Written
from statordb.objects.faults import Away, Full

PART_BYTES = 8 * 1024 * 1024  # S3 takes 5 MiB and more
PARTS_MAX = 10_000


class Upload:
    """Methods are for threads, one after another; `abort` may come at any time. They raise what botocore does.

    `object`: parameters that name it; `how`: those that say how S3 is to keep it.
    """

    def __init__(self, client: Any, object: Mapping[str, str], how: Mapping[str, str]) -> None:
        self._client = client
        self._object = object
        self._how = how
        self._lock = Lock()
        self._id = ""
        self._is_aborted = False
        self._parts: list[dict[str, Any]] = []
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def whole(self, content: bytes) -> Written:
        """All of it."""
        answer = self._client.put_object(**self._object, **self._how, **self._counted(content))
        return self._written(answer)

    def part(self, content: bytes) -> None:
        """PART_BYTES, the last of them less. Raises Full."""
        with self._lock:
            if self._is_aborted:
                return
            if len(self._parts) == PARTS_MAX:
                raise Full("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
            if not self._id:
                self._id = self._client.create_multipart_upload(**self._object, **self._how)["UploadId"]
            number = len(self._parts) + 1
            body = self._counted(content)
            answer = self._client.upload_part(**self._object, UploadId=self._id, PartNumber=number, **body)
            self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def complete(self) -> Written:
        """Have the parts be the object."""
        with self._lock:
            if self._is_aborted:
                raise Away("NoSuchUpload", "The upload was aborted.")
            answer = self._client.complete_multipart_upload(
                **self._object, UploadId=self._id, MultipartUpload={"Parts": self._parts}
            )
            self._id = ""
        return self._written(answer)

    def abort(self) -> None:
        """Have S3 keep no parts; behind a call that somebody has left alone. What can't be aborted now is swept."""
        with self._lock, suppress(Exception):
            self._is_aborted = True
            if self._id:
                self._client.abort_multipart_upload(**self._object, UploadId=self._id)

    def _counted(self, content: bytes) -> dict[str, Any]:
        """With a digest that S3 checks."""
        self._md5.update(content)
        self._size += len(content)
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        return {"Body": content, "ContentMD5": b64encode(digest).decode()}

    def _written(self, answer: Mapping[str, Any]) -> Written:
        return Written(self._size, str(answer["ETag"]).strip('"'), self._md5.digest())
