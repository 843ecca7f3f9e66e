"""An access key as the store knows it."""

from statordb.model.identity import Identity


class Credential:
    """A key that may sign requests, with the account and the identity it stands for.

    `session_token` is set for temporary keys: requests must carry it in X-Amz-Security-Token.
    `expires` is in seconds since the epoch; None never expires.
    `authority`: see `model.request.Principal`. `used_as`: of what it is told when it was used last: of itself, or of
    the role whose session it is of.
    """

    __slots__ = ("access_key_id", "account", "arn", "authority", "expires", "secret", "session_token", "used_as")

    def __init__(
        self,
        access_key_id: str,
        secret: str,
        account: str,
        arn: str,
        session_token: str | None = None,
        expires: float | None = None,
        authority: Identity | None = None,
    ) -> None:
        self.access_key_id = access_key_id
        self.secret = secret
        self.account = account
        self.arn = arn
        self.session_token = session_token
        self.expires = expires
        self.authority = authority
        is_of_role = authority is not None and authority.kind == "role"
        self.used_as = authority.user_id.partition(":")[0] if authority and is_of_role else access_key_id

    def __repr__(self) -> str:
        return f"Credential({self.access_key_id!r}, account={self.account!r})"  # never the secret
