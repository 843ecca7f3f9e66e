"""Where objects are, as a setting names it: a directory, or `s3://BUCKET/PREFIX?endpoint=URL&region=REGION&...`.

| option | says |
|---|---|
| `endpoint` | where S3, or what speaks its API, is; without it AWS's own of the region |
| `region` | of the buckets; without it what the AWS SDKs find, or us-east-1 |
| `style` | `path` or `virtual`: where requests name the bucket; without it `path` at an endpoint, `virtual` at AWS |
| `ca` | a file with who signed the endpoint's certificate; without it whom botocore trusts |
"""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from statordb.objects.faults import BadName
from statordb.objects.names import check_bucket, check_name

STYLES = ("path", "virtual")
OPTIONS = ("endpoint", "region", "style", "ca")


class S3Place(NamedTuple):
    """A bucket for the server's own objects, the beginning of their names there (empty, or with a `/` behind it), and
    how to reach that bucket and others. Options that are not given are empty."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    style: str = ""
    ca: str = ""


def place_of(text: str) -> Path | S3Place:
    """Raises ValueError with the end of a sentence."""
    if not text or "\0" in text:
        raise ValueError("is neither a directory nor s3://BUCKET/PREFIX")
    if "://" not in text:
        return Path(text)
    try:
        parts = urlsplit(text)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else []
    except ValueError:
        raise ValueError("is not an address") from None
    if parts.scheme != "s3" or parts.fragment:
        raise ValueError("is neither a directory nor s3://BUCKET/PREFIX")
    if "@" in parts.netloc:
        raise ValueError("has a user or a password, and no place for it: credentials are a setting of their own")
    given = dict(options)
    if len(given) != len(options) or not given.keys() <= set(OPTIONS) or "" in given.values():
        raise ValueError("has options that are not one each of " + ", ".join(OPTIONS))
    _check(given)
    prefix = unquote(parts.path).strip("/")
    try:
        check_bucket(parts.netloc)
        check_name(prefix or "x")
    except BadName as fault:
        raise ValueError(f"names no bucket and prefix ({fault.text})") from None
    return S3Place(parts.netloc, f"{prefix}/" if prefix else "", **given)


def _check(given: dict[str, str]) -> None:
    if "endpoint" in given and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", given["endpoint"]):
        raise ValueError("has an endpoint that is not an http:// or https:// address")
    if "region" in given and not re.fullmatch(r"[a-z0-9-]{1,64}", given["region"]):
        raise ValueError("has a region that is none")
    if "style" in given and given["style"] not in STYLES:
        raise ValueError("has a style that is not one of " + ", ".join(STYLES))
