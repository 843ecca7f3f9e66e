"""How requests name keys: by id or ARN, by an alias or its ARN. API reference of KMS, "KeyId"."""

import re

from statordb.store.kms.records import AliasName, KeyName

ALIAS_PREFIX = "alias/"
_ARN = re.compile(r"arn:aws[a-z-]*:kms:([A-Za-z0-9-]{1,64}):([0-9]{12}):(key/([^/]+)|alias/.+)", re.DOTALL)
_ID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")

Reference = KeyName | AliasName


class NoReference(Exception):
    """A text that can't name a key. `is_arn`: it begins as an ARN."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.is_arn = text.startswith("arn:")


def parse(text: str, account: str, region: str) -> Reference:
    """What a KeyId means to somebody of an account and region. Raises NoReference."""
    if text.startswith(ALIAS_PREFIX):
        return AliasName(account, region, text)
    if not text.startswith("arn:"):
        return KeyName(account, region, _id(text, text))
    match = _ARN.fullmatch(text)
    if match is None:
        raise NoReference(text)
    if match[4] is None:
        return AliasName(match[2], match[1], match[3])
    return KeyName(match[2], match[1], _id(match[4], text))


def _id(id: str, text: str) -> str:
    if _ID.fullmatch(id) is None:
        raise NoReference(text)
    return id.lower()
