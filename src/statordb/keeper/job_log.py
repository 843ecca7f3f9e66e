"""What an import could not take, as a file: where CloudWatch Logs would have it on AWS, by the same names, below a
directory of the server.

    DIRECTORY/aws-dynamodb/imports/ID/error      a line of JSON for each item (developer guide, "Validation errors")
"""

import os
import shutil
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import orjson

from statordb.model.limits import JOB_ERRORS_LOGGED_MAX
from statordb.store.jobs.records import ImportRecord

GROUP = "aws-dynamodb/imports"


class ErrorLog:
    """Of one import, written anew. The file is made with its first line; there are only so many of them."""

    def __init__(self, directory: Path, record: ImportRecord) -> None:
        self._path = _folder(directory, record) / "error"
        self._bucket = record.asked["S3BucketSource"]["S3Bucket"]
        self._arn = record.arn
        self._file: BinaryIO | None = None
        self._lines = 0

    def __enter__(self) -> "ErrorLog":
        self._path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, name: str, index: int | None, message: str) -> None:
        """`index`: which item of the object; None: the object itself."""
        if self._lines >= JOB_ERRORS_LOGGED_MAX:
            return
        self._lines += 1
        if self._file is None:
            self._path.parent.mkdir(0o700, parents=True, exist_ok=True)
            self._file = open(self._path, "wb", opener=partial(os.open, mode=0o600))  # noqa: SIM115  # closed at exit
        pointer: dict[str, Any] = {"bucket": self._bucket, "key": name}
        if index is not None:
            pointer["itemIndex"] = index
        line = {"itemS3Pointer": pointer, "importArn": self._arn, "errorMessages": [message]}
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def forget(directory: Path, record: ImportRecord) -> None:
    """Of an import that nobody is told of any more."""
    shutil.rmtree(_folder(directory, record), ignore_errors=True)


def _folder(directory: Path, record: ImportRecord) -> Path:
    return directory / GROUP / record.id
