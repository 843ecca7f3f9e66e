"""Policy documents that are given, and how they are shown."""

from urllib.parse import quote

from statordb.access.document import Kind, compile_policy
from statordb.access.formats import MalformedPolicy
from statordb.iam_api import errors


def check(document: str, kind: Kind = Kind.IDENTITY) -> str:
    """A document that can be compiled. Raises MalformedPolicyDocument."""
    try:
        compile_policy(document, kind)
    except MalformedPolicy as fault:
        raise errors.malformed_policy(str(fault.args[0])) from None
    return document


def characters(document: str) -> int:
    """Its size: white space does not count."""
    return len("".join(document.split()))


def shown(document: str) -> str:
    """As answers have it: percent-encoded."""
    return quote(document, safe="-_.~")
