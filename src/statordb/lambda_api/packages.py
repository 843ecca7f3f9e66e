"""Code that a request brings: a zip file, or a directory of this machine that is used in place."""

import asyncio
import os
import zipfile
from base64 import b64encode
from hashlib import sha256
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.model.function_limits import (
    FUNCTION_ACCOUNT_BYTES_MAX,
    FUNCTION_CODE_BYTES_MAX,
    FUNCTION_ENTRIES_MAX,
    FUNCTION_PACKAGE_BYTES_MAX,
)

LOCAL_BUCKET = "hot-reload"  # stands for this machine's directories, as in other local servers of this API
NOT_A_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."

ENTRY = b"PK\1\2"  # begins each entry of a zip file's directory

_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1  # bit of ZipInfo.flag_bits
_PATH_CHARACTERS_MAX = 1024


async def take(context: Context, code: dict[str, Any]) -> dict[str, Any]:
    """Check, and keep, what the members of FunctionCode bring; the fields of a FunctionRecord that say where it is.

    Raises InvalidParameterValueException, RequestTooLargeException, CodeStorageExceededException.
    """
    if code.get("ImageUri"):
        raise errors.invalid_parameter("Container images are not supported by this server: give a zip file.")
    if "ZipFile" in code:
        if "S3Bucket" in code or "S3Key" in code:
            raise errors.invalid_parameter(
                "Please do not provide other FunctionCode parameters when providing a ZipFile."
            )
        return await _take_zip(context, code["ZipFile"])
    if "S3Bucket" in code and "S3Key" in code:
        return _take_directory(context, code["S3Bucket"], code["S3Key"])
    raise errors.invalid_parameter("Please provide a source for function code.")


async def _take_zip(context: Context, package: bytes) -> dict[str, Any]:
    if len(package) > FUNCTION_PACKAGE_BYTES_MAX:
        raise errors.too_large(f"A zip file must be smaller than {FUNCTION_PACKAGE_BYTES_MAX} bytes to be uploaded.")
    await asyncio.to_thread(check_zip, package)
    principal = context.principal
    usage = await context.store.functions.usage(principal.account, principal.region)
    if usage.code_bytes + len(package) > FUNCTION_ACCOUNT_BYTES_MAX:
        raise errors.code_storage_exceeded()
    kept = await context.store.functions.put_code(package)
    return {"code_id": kept.id, "code_sha256": kept.sha256, "code_size": kept.size, "code_directory": None}


def check_zip(package: bytes) -> None:
    """Raises InvalidParameterValueException unless it can be unpacked: sound, plain, within bounds, and within the
    directory that it is unpacked to."""
    if package.count(ENTRY) > FUNCTION_ENTRIES_MAX:  # before an object is made of each
        raise errors.invalid_parameter(f"A zip file can have at most {FUNCTION_ENTRIES_MAX} entries.")
    if not package:
        raise errors.invalid_parameter("Uploaded file must be a non-empty zip")
    try:
        with zipfile.ZipFile(BytesIO(package)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError, EOFError, OSError):
        raise errors.invalid_parameter(NOT_A_ZIP) from None
    if not entries:
        raise errors.invalid_parameter("Uploaded file must be a non-empty zip")
    if not all(map(_is_plain, entries)):
        raise errors.invalid_parameter(NOT_A_ZIP)
    if sum(entry.file_size for entry in entries) > FUNCTION_CODE_BYTES_MAX:
        raise errors.invalid_parameter(f"Unzipped size must be smaller than {FUNCTION_CODE_BYTES_MAX} bytes")


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    return (
        not path.is_absolute()
        and ".." not in path.parts
        and len(entry.filename) <= _PATH_CHARACTERS_MAX
        and entry.compress_type in _COMPRESSIONS
        and not entry.flag_bits & _ENCRYPTED
    )


def _take_directory(context: Context, bucket: str, key: str) -> dict[str, Any]:
    if bucket != LOCAL_BUCKET:
        raise errors.invalid_parameter(
            f"Code can't be read from the S3 bucket {bucket}: this server takes a ZipFile, or the bucket "
            f'"{LOCAL_BUCKET}" with the absolute path of a local directory as its key.'
        )
    path = Path(key)
    if path.is_absolute() and "\0" not in key:
        context.must_reach(f"file://{quote(os.fsencode(key))}")
    if not path.is_absolute() or "\0" in key or not path.is_dir():
        raise errors.invalid_parameter(f"The key {key} is not the absolute path of a directory of this machine.")
    directory = str(path.resolve())
    fingerprint = b64encode(sha256(directory.encode("utf-8", "surrogateescape")).digest()).decode()
    return {"code_id": "", "code_sha256": fingerprint, "code_size": 0, "code_directory": directory}
