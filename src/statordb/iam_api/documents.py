"""Policy documents that are given, and how they are shown."""

from urllib.parse import quote

from statordb.access.document import Kind, compile_policy
from statordb.access.formats import MalformedPolicy
from statordb.iam_api import errors

_SAFE = "-_.~"
_SIGNS = ("%", *(chr(code) for code in range(128) if chr(code) != "%"))  # that of the codes themselves first
_CODES = [(sign, f"%{ord(sign):02X}") for sign in _SIGNS if not sign.isalnum() and sign not in _SAFE]


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
    if not document.isascii():
        return quote(document, safe=_SAFE)
    for sign, code in _CODES:  # a tenth of the time
        document = document.replace(sign, code)
    return document
