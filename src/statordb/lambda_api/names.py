"""Function names as Lambda takes them: a name, a partial ARN, a whole one, each perhaps with a qualifier.

API reference, CreateFunction and Invoke: "Name formats".
"""

import re
from typing import NamedTuple

from statordb.lambda_api import errors
from statordb.store.functions.catalog import LATEST

NAME_CHARACTERS_MAX = 64  # of the name alone

_FORM = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>[A-Za-z0-9-]{1,64}):(?=\d{12}:))?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9_-]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?",
    re.ASCII,
)


class FunctionName(NamedTuple):
    """A function, and which version or alias of it."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def qualified_arn(self) -> str:
        return self.arn if self.qualifier is None else f"{self.arn}:{self.qualifier}"

    def must_be_latest(self) -> None:
        """There is only $LATEST: raises ResourceNotFoundException for any other version, and any alias."""
        if self.qualifier is None or self.qualifier == LATEST:
            return
        if self.qualifier.isdigit():
            raise errors.function_not_found(self.qualified_arn)
        raise errors.alias_not_found(self.qualified_arn)


def parse(text: str, account: str, region: str, qualifier: str | None = None) -> FunctionName:
    """The parts of a FunctionName, with the caller's account and region where it has none.

    Raises ResourceNotFoundException for another region, InvalidParameterValueException for qualifiers that differ.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise errors.validation(
            f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: Member must "
            "be the name, the partial ARN or the ARN of a function"
        )
    if match["region"] not in (None, region):
        raise errors.not_found(f"Functions from '{match['region']}' are not reachable in this region ('{region}')")
    if len(match["name"]) > NAME_CHARACTERS_MAX:
        raise errors.validation(
            f"1 validation error detected: Value '{match['name']}' at 'functionName' failed to satisfy constraint: "
            f"Member must have length less than or equal to {NAME_CHARACTERS_MAX}"
        )
    named = match["qualifier"]
    if named is not None and qualifier is not None and named != qualifier:
        raise errors.invalid_parameter(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return FunctionName(match["account"] or account, region, match["name"], qualifier or named)
