"""Where the files of an export lie.

    PREFIX/AWSDynamoDB/01234567890123-a1b2c3d4/manifest-summary.json ...
    PREFIX/AWSDynamoDB/01234567890123-a1b2c3d4/data/gkes5o3lnrhoznhnkyax3hxvya.json.gz
    PREFIX/AWSDynamoDB/data/sgad6417s6vss4p7owp0471bcq.gz         of all incremental exports

Source: developer guide, "DynamoDB table export output format". A prefix is kept as it is, and joined by a slash unless
it ends with one (measured: aws-controllers-k8s's quirks, DDB-EXPORT-018).
"""

from base64 import b32encode
from typing import NamedTuple

ROOT = "AWSDynamoDB"
FILE_NAME_BYTES = 16  # random ones: 26 characters
_ENDINGS = {"DYNAMODB_JSON": ".json.gz", "ION": ".ion.gz"}


def export_id(epoch_ms: int, random: bytes) -> str:
    """The last part of an export's ARN, and its folder: when it began, and four random bytes."""
    return f"{epoch_ms:014d}-{random[:4].hex()}"


class Layout(NamedTuple):
    """S3 keys of one export. `export_format` is that of ExportTableToPointInTime."""

    prefix: str | None
    export_id: str
    export_format: str = "DYNAMODB_JSON"
    incremental: bool = False

    @property
    def started(self) -> str:
        """Of an empty file, put there before all others."""
        return self._key("_started")

    @property
    def summary(self) -> str:
        return self._key("manifest-summary.json")

    @property
    def summary_checksum(self) -> str:
        return self._key("manifest-summary.checksum")

    @property
    def files(self) -> str:
        return self._key("manifest-files.json")

    @property
    def files_checksum(self) -> str:
        return self._key("manifest-files.checksum")

    def data(self, random: bytes) -> str:
        """Of a data file, by FILE_NAME_BYTES random bytes."""
        name = b32encode(random).decode().rstrip("=").lower()
        if self.incremental:
            return f"{self._root}/data/{name}.gz"
        return self._key(f"data/{name}{_ENDINGS[self.export_format]}")

    @property
    def _root(self) -> str:
        if not self.prefix:
            return ROOT
        return self.prefix + ROOT if self.prefix.endswith("/") else f"{self.prefix}/{ROOT}"

    def _key(self, name: str) -> str:
        return f"{self._root}/{self.export_id}/{name}"


def relative_paths(key: str) -> list[str]:
    """Where the object of a key may lie below the directory that an export was copied to, the longest path first:
    nobody knows how much of the key was copied. None at all for a key that would lead out of it."""
    parts = key.split("/")
    while parts and not parts[0]:
        del parts[0]
    if not all(parts) or not {".", ".."}.isdisjoint(parts) or "\\" in key or "\0" in key:
        return []
    return ["/".join(parts[start:]) for start in range(len(parts))]
