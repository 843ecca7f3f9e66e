"""What is kept of KMS's keys, aliases and grants."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from statordb.store.record import Kind, Record

SYMMETRIC = "SYMMETRIC_DEFAULT"  # the spec of keys that seal
ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, SIGN_VERIFY = "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "SIGN_VERIFY"
"""What keys are for."""
_RSA = tuple(f"RSASSA_{form}_SHA_{bits}" for form in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512))
SIGNATURES = {
    **{f"RSA_{bits}": _RSA for bits in (2048, 3072, 4096)},
    "ECC_NIST_P256": ("ECDSA_SHA_256",),
    "ECC_NIST_P384": ("ECDSA_SHA_384",),
    "ECC_NIST_P521": ("ECDSA_SHA_512",),
    "ECC_SECG_P256K1": ("ECDSA_SHA_256",),
}  # algorithms by the specs of keys
OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")  # algorithms of keys of RSA that encrypt
ENCRYPTS = ("RSA_2048", "RSA_3072", "RSA_4096")  # their specs
MACS = {f"HMAC_{bits}": f"HMAC_SHA_{bits}" for bits in (224, 256, 384, 512)}  # algorithms by the specs of keys
ENABLED, DISABLED, PENDING_DELETION, PENDING_IMPORT = "Enabled", "Disabled", "PendingDeletion", "PendingImport"
AWS_KMS, EXTERNAL = "AWS_KMS", "EXTERNAL"  # where material is from
CUSTOMER, AWS = "CUSTOMER", "AWS"  # who manages a key
AUTOMATIC, ON_DEMAND = "AUTOMATIC", "ON_DEMAND"  # rotations


class KeyName(NamedTuple):
    """Which key is meant: ids are unique by themselves, but live in one account and region."""

    account: str
    region: str
    id: str

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account}:key/{self.id}"


class AliasName(NamedTuple):
    """Which alias is meant. `name` begins with alias/."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account}:{self.name}"


@dataclass(frozen=True, slots=True)
class MaterialRecord(Record):
    """Material of a key. `id`: 64 hexadecimal digits, as the API shows it. `sealed`: 32 bytes under the master key, or
    a private key in PKCS 8's form, in base64; "" of imported material that is gone. `since`: when it became current, in
    seconds since the epoch; `cause`: the kind of rotation that brought it, None of the first."""

    id: str
    sealed: str
    since: float
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRecord(Record):
    """A key. The last of its `materials` is the current one; ciphertexts name theirs by its place.

    `spec`: SYMMETRIC, or one of MACS, or of SIGNATURES; `use`: what it is for, where the spec does not tell it.

    `origin`: of its material, which may be there until `valid_to` (`imports.py`).

    `changed_at`: when the state became what it is. `deletes_at`: when a key that waits for its deletion is gone, after
    `window_days`. `period_days`: it rotates by itself so often, at `rotates_at` next; None: never. Times in seconds
    since the epoch.
    """

    account: str
    region: str
    id: str
    created_at: float
    policy: str
    materials: list[MaterialRecord]
    description: str = ""
    manager: str = CUSTOMER
    state: str = ENABLED
    changed_at: float = 0.0
    deletes_at: float | None = None
    window_days: int | None = None
    period_days: int | None = None
    rotates_at: float | None = None
    tags: dict[str, str] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)  # that mean it, in the order of their making
    spec: str = SYMMETRIC
    use: str = ""
    origin: str = AWS_KMS
    valid_to: float | None = None

    @property
    def material_id(self) -> str | None:
        """Of the current material; None where there never was any."""
        return self.materials[-1].id if self.materials else None

    @property
    def has_material(self) -> bool:
        return bool(self.materials and self.materials[-1].sealed)

    @property
    def name(self) -> KeyName:
        return KeyName(self.account, self.region, self.id)

    @property
    def arn(self) -> str:
        return self.name.arn

    @property
    def usage(self) -> str:
        if self.use:
            return self.use
        if self.spec in SIGNATURES:
            return SIGN_VERIFY
        return GENERATE_VERIFY_MAC if self.spec in MACS else ENCRYPT_DECRYPT

    @property
    def algorithms(self) -> tuple[str, ...]:
        """That it encrypts by."""
        if self.usage != ENCRYPT_DECRYPT:
            return ()
        return (SYMMETRIC,) if self.spec == SYMMETRIC else OAEP

    def gone_at(self, now: float) -> bool:
        """Whether its wait is over: it is gone then, also where the keeper has not come to it yet."""
        return self.deletes_at is not None and self.deletes_at <= now


OWNED = "store"  # what wraps data keys where no key of KMS does: the keys of the store
_BY_KMS = "kms:"


def wrapping_of(key: KeyRecord) -> str:
    """The name of what wraps data keys: the key with its current material."""
    return f"{_BY_KMS}{key.arn}#{len(key.materials) - 1}"


def wrapping_key(name: str) -> tuple[KeyName, int] | None:
    """The key of KMS that such a name tells, and the place of the material among its own; None of the store's keys."""
    if not name.startswith(_BY_KMS):
        return None
    arn, _, place = name.removeprefix(_BY_KMS).rpartition("#")
    return name_of(arn), int(place)


def name_of(arn: str) -> KeyName:
    """The key of an ARN that this store has made."""
    _, _, _, region, account, key = arn.split(":", 5)
    return KeyName(account, region, key.removeprefix("key/"))


@dataclass(frozen=True, slots=True)
class AliasRecord(Record):
    """An alias, and the id of the key that it means. Times in seconds since the epoch."""

    key: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class GrantRecord(Record):
    """A grant. `constraints`: as the request had them. `token`: what proves it at once, also before all know of it."""

    id: str
    grantee: str
    operations: list[str]
    issuer: str  # account
    created_at: float
    token: str
    name: str | None = None
    retiring: str | None = None
    constraints: dict[str, Any] = field(default_factory=dict)


KEY = Kind(KeyRecord)
ALIAS = Kind(AliasRecord)
GRANT = Kind(GrantRecord)
