"""What was asked, as an entry of the audit log tells it: all of it, or it would be a way to hide something."""

from collections.abc import Mapping
from typing import Any

import orjson

from statordb.server.request_log import tables_of
from statordb.shapes.query import NotAForm, parse_form

KEPT_BYTES_MAX = 128 * 1024  # of a body; told, it is never twice as long, and so fits into a line of the log
WHOLE_BYTES_MAX = 32 * 1024  # of larger ones numbers with a fraction are left out: they may be longer than they were
DEPTH_MAX = 32  # of what was asked; what lies deeper is left out, as not all that can be read can be written
TEXT_CHARACTERS_MAX = 1024  # of a member, where not all can be told
_KEYS = "Credentials"  # of an answer: temporary ones
_NAMED_BY_CLIENTS = frozenset({"EncryptionContext", "EncryptionContextEquals", "EncryptionContextSubset", "Tags"})
FORM = ("Action", "Version")
SECRET = frozenset({
    "ClientRequestToken", "Plaintext", "CiphertextBlob", "SecretAccessKey", "ZipFile", "Environment", "Variables",
    "SessionToken", "ClientContext", "Code", "Message", "Mac",
    "PrivateKeyPlaintext", "PrivateKeyCiphertextBlob",
    "GrantToken", "GrantTokens", "ExpressionAttributeValues", "Parameters", "Item", "Key", "Items", "Keys",
    # Of operations that this server refuses: what was sent for them is a secret all the same.
    "Password", "NewPassword", "OldPassword", "KeyStorePassword", "PrivateKey", "AddPrivateKey", "RawSecretAccessKey",
    "WebIdentityToken", "SAMLAssertion", "TradeInToken", "TokenCode", "AuthenticationCode1", "AuthenticationCode2",
    "EncryptedKeyMaterial", "ImportToken", "Payload", "Result", "ErrorData", "ErrorMessage",
})  # fmt: skip


def parameters(path: bytes, body: bytes, is_data: bool, given: Mapping[str, Any] | None = None) -> Any:
    """`is_data`: items are asked for, of which only the tables are told; `given`: members that were read already. None
    where nothing is to be told."""
    if path not in (b"/", b""):
        return {"path": printable(path.decode("latin-1")), **lowered(_members(given or {}))}
    if is_data:
        tables = tables_of(body)
        return {"tableName": tables} if tables else None
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _of_form(body)
    return lowered(_public(document, len(body) <= WHOLE_BYTES_MAX))


def elements(outcome: Mapping[str, Any] | None, is_read: bool) -> dict[str, Any] | None:
    """What came of it: of a change all, of a look the keys alone that it gave, by which others are told of later."""
    if not outcome or (is_read and _KEYS not in outcome):
        return None
    told: dict[str, Any] = lowered(_members(outcome))
    return told or None


def lowered(value: Any) -> Any:
    """Members by the names that CloudTrail gives them: tableName for TableName, but AWSAccountId as it is."""
    if isinstance(value, list):
        return [lowered(each) for each in value]
    if not isinstance(value, dict):
        return value
    return _by_lower(
        {
            name: each if name in _NAMED_BY_CLIENTS and isinstance(each, dict) else lowered(each)
            for name, each in value.items()
        }
    )


def _by_lower(members: Mapping[str, Any]) -> dict[str, Any]:
    """Services read TableName, and what else would be told by that name is not to stand for it."""
    return {_lower(name): members[name] for name in sorted(members, key=lambda name: not name[:1].islower())}


def _lower(name: str) -> str:
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def without_secrets(given: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What may be kept of members until they are told."""
    return None if given is None else {name: value for name, value in given.items() if name not in SECRET}


def _members(given: Mapping[str, Any]) -> dict[str, Any]:
    """All of them, or, of very many, those that are short texts: names, ARNs."""
    found: dict[str, Any] = _public(given, True)
    if len(orjson.dumps(found)) <= KEPT_BYTES_MAX:
        return found
    return {name: text for name, text in found.items() if isinstance(text, str) and len(text) <= TEXT_CHARACTERS_MAX}


def printable(text: str) -> str:
    """What a client sent, as an entry may have it."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _of_form(body: bytes) -> dict[str, str] | None:
    """The members of a form, read as its service reads them: of a repeated one the same counts."""
    try:
        form = parse_form(body)
    except NotAForm:
        return None
    members = {name: value for name, value in form.items() if name not in SECRET and name not in FORM}
    return {printable(name): printable(value) for name, value in _by_lower(members).items()} or None


def members_of(body: bytes) -> Mapping[str, Any]:
    """What a body of JSON, or a form, names by their names in the service model."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return parse_form(body)
        except NotAForm:
            return {}
    return document if isinstance(document, dict) else {}


def _public(value: Any, is_whole: bool, depth: int = 0) -> Any:
    """Without what nobody is to read here."""
    if depth > DEPTH_MAX and isinstance(value, dict | list | tuple):
        return None
    if isinstance(value, dict):
        return {name: _public(each, is_whole, depth + 1) for name, each in value.items() if name not in SECRET}
    if isinstance(value, list | tuple):
        return [_public(each, is_whole, depth + 1) for each in value]
    if isinstance(value, float):
        return value if is_whole else None
    return value if value is None or isinstance(value, str | int) else None  # what else there may be is no text
