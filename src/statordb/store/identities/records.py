"""Records of an account's identities: users, groups, roles, and the policies that its customer manages.

Identities name each other by ids, which no other ever had: a name may be given to another, or changed. Times are in
seconds since the epoch; documents are policies as they were given.
"""

from dataclasses import dataclass, field

from statordb.store.record import Kind, Record


@dataclass(frozen=True, slots=True)
class Identity(Record):
    """What users, groups and roles have in common. `inline`: documents by name; `attached`: ARNs of managed policies,
    the latest last; `boundary`: the ARN of one, "" for none."""

    account: str
    name: str
    id: str
    path: str
    created_at: float
    inline: dict[str, str] = field(default_factory=dict)
    attached: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    boundary: str = ""


@dataclass(frozen=True, slots=True)
class UserRecord(Identity):
    """A user. `groups`: ids; `keys`: ids of its access keys, the oldest first."""

    groups: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:user{self.path}{self.name}"


@dataclass(frozen=True, slots=True)
class GroupRecord(Identity):
    """A group. `members`: how many users are in it."""

    members: int = 0

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:group{self.path}{self.name}"


@dataclass(frozen=True, slots=True)
class RoleRecord(Identity):
    """A role. `trust`: the document that says who may assume it; `session_seconds_max`: for how long at most."""

    trust: str = ""
    description: str = ""
    session_seconds_max: int = 3600

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"


@dataclass(frozen=True, slots=True)
class VersionRecord(Record):
    """A version of a managed policy. `id`: v1 and so on."""

    id: str
    document: str
    created_at: float


@dataclass(frozen=True, slots=True)
class PolicyRecord(Record):
    """A managed policy. `versions`: the oldest first; `default`: the id of the one that holds; `made`: how many
    versions there ever were. `account` is "aws" for AWS's own, which are not kept."""

    account: str
    name: str
    id: str
    path: str
    created_at: float
    updated_at: float
    description: str
    versions: list[VersionRecord]
    default: str
    made: int = 1
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:policy{self.path}{self.name}"

    @property
    def document(self) -> str:
        return next(version.document for version in self.versions if version.id == self.default)


@dataclass(frozen=True, slots=True)
class UseRecord(Record):
    """How many identities a managed policy is attached to, and how many have it as their boundary."""

    attached: int = 0
    boundaries: int = 0


@dataclass(frozen=True, slots=True)
class NameRecord(Record):
    """Whose an id is: the sort of row ("user", "group", "role"), and the name."""

    sort: str
    name: str


@dataclass(frozen=True, slots=True)
class MemberRecord(Record):
    """That a user is in a group, both by their ids."""

    group: str
    user: str


@dataclass(frozen=True, slots=True)
class SummaryRecord(Record):
    """How many users, groups, roles and managed policies an account has."""

    users: int = 0
    groups: int = 0
    roles: int = 0
    policies: int = 0


@dataclass(frozen=True, slots=True)
class SessionsRecord(Record):
    """How many sessions have begun within an hour, which is told in hours since the epoch."""

    hour: int
    begun: int


@dataclass(frozen=True, slots=True)
class KeyUseRecord(Record):
    """When an access key was used last, in seconds since the epoch, and for which service in which region."""

    at: float
    service: str
    region: str


USER = Kind(UserRecord)
GROUP = Kind(GroupRecord)
ROLE = Kind(RoleRecord)
POLICY = Kind(PolicyRecord)
USE = Kind(UseRecord)
NAME = Kind(NameRecord)
MEMBER = Kind(MemberRecord)
SUMMARY = Kind(SummaryRecord)
SESSIONS = Kind(SessionsRecord)
KEY_USE = Kind(KeyUseRecord)
KINDS = (USER, GROUP, ROLE, POLICY, USE, NAME, MEMBER, SUMMARY, SESSIONS, KEY_USE)
