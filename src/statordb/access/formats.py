"""The forms that actions, resources and values of conditions have to have."""

import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

OPERATORS = frozenset((
    "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
    "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
    "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateNotEquals", "DateLessThan",
    "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress",
    "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Null",
))  # fmt: skip
IF_EXISTS = "IfExists"
FOR_ALL, FOR_ANY = "ForAllValues:", "ForAnyValue:"
LEGACY = "The policy failed legacy parsing"

_PARTITION = re.compile(r"\*|aws(-[a-z]+)*", re.ASCII)
_NO_VENDOR = re.compile(r"[^a-zA-Z0-9\-.]")
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_SECONDS = re.compile(r"\d{1,19}", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:[Tt](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?([Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_ARN_PARTS = 6


class MalformedPolicy(Exception):
    """A document that is no policy; `args[0]` says why, in AWS's words."""


def bare(operator: str) -> tuple[str, str, bool]:
    """An operator's prefix ("" for none), its name, and whether a key that is absent passes."""
    prefix = next((prefix for prefix in (FOR_ALL, FOR_ANY) if operator.startswith(prefix)), "")
    name = operator[len(prefix) :]
    lenient = name.endswith(IF_EXISTS)
    return prefix, name.removesuffix(IF_EXISTS) if lenient else name, lenient


def is_operator(operator: str) -> bool:
    _, name, lenient = bare(operator)
    return name in OPERATORS and not (lenient and name == "Null")


def number(text: str) -> float:
    """Raises ValueError."""
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(text)
    return float(text)


def instant(text: str) -> float:
    """Seconds since the epoch of a date in ISO 8601, or of such seconds. Raises ValueError."""
    if _SECONDS.fullmatch(text) is not None:
        return float(text)
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    offset = "+00:00" if zone is None or zone in "Zz" else zone
    whole = f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}{offset}"
    return datetime.fromisoformat(whole).astimezone(UTC).timestamp() + float(f"0.{fraction or 0}")


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address that is written as one of IPv6 is what it was. Raises ValueError."""
    found = ipaddress.ip_address(text)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return found if mapped is None else mapped


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Raises ValueError."""
    return ipaddress.ip_network(text, strict=False)


def binary(text: str) -> bytes:
    """Raises ValueError."""
    return b64decode(text, validate=True)


def check_values(operator: str, values: Iterable[str]) -> None:
    """Raises MalformedPolicy for a value that no operator of this type can be given."""
    _, name, _ = bare(operator)
    read = next((read for start, read in _READERS.items() if name.startswith(start)), None)
    if read is None:
        return
    for value in values:
        if "${" not in value:
            try:
                read(value)
            except (ValueError, OverflowError):
                raise MalformedPolicy(LEGACY) from None


_READERS: dict[str, Callable[[str], object]] = {
    "Numeric": number,
    "Date": instant,
    "IpAddress": network,
    "NotIpAddress": network,
    "Binary": binary,
}


def check_actions(actions: Iterable[str]) -> None:
    """Raises MalformedPolicy for what is no name, or pattern, of an action."""
    for action in actions:
        vendor, *rest = action.split(":")
        if not rest and vendor != "*":
            raise MalformedPolicy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        if len(rest) > 1:
            raise MalformedPolicy("Actions/Condition can contain only one colon.")
        if vendor != "*" and (not vendor or _NO_VENDOR.search(vendor)):
            raise MalformedPolicy(f"Vendor {vendor} is not valid")


def check_resources(resources: Iterable[str]) -> None:
    """Raises MalformedPolicy for what is no ARN, or pattern of ARNs."""
    for resource in resources:
        if resource != "*":
            _check_resource(resource)


def _check_resource(resource: str) -> None:
    head, *parts = resource.split(":", _ARN_PARTS - 1)
    if head != "arn" or not parts:
        raise MalformedPolicy(f'Resource {resource} must be in ARN format or "*".')
    partition, *rest = parts
    if _PARTITION.fullmatch(partition) is None:
        shown = ":".join([*rest, "*", "*", "*", "*"][:4] if len(rest) < 4 else rest)
        raise MalformedPolicy(f'Partition "{partition}" is not valid for resource "arn:{partition}:{shown}".')
    if len(rest) < 2:
        raise MalformedPolicy("Resource vendor must be fully qualified and cannot contain regexes.")
    if not rest[0] or (len(rest) < 4 and "*" not in resource):
        raise MalformedPolicy(LEGACY)
