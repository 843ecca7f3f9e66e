"""Who is behind an access key, as far as all rooms may know: what the identity may do is `access.authority`'s."""

from typing import Protocol


class Identity(Protocol):
    """A user, a role's session, a federated user, or the account's root.

    kind     "root", "user", "role" or "federated".
    arn      of the user, or of the session.
    user_id  aws:userid: its unique id; of a role's session with a colon and the session's name behind it.
    name     aws:username; "" for all but users.
    """

    @property
    def kind(self) -> str: ...

    @property
    def arn(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def user_id(self) -> str: ...

    @property
    def name(self) -> str: ...
