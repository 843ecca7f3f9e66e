"""ARNs in the place of a table's name, and what is wrong with those that name none.

Texts were measured on AWS: aws-controllers-k8s, API quirks of October 2026, TABLE-011 and -442; that about the whole
form by ExtendDB.
"""

from statordb.model import errors
from statordb.model.arns import TableName, has_region, parse_table
from statordb.model.errors import ClientError

_PARTS = 6
_NAME_CHARACTERS_MIN = 3
_FORM = (
    "Valid ARN format is 'arn:<awsPartition>:<vendor>:<region>:<subscriber>:resourceType/resourceName', where Resource "
    "name must have length less than or equal to 255, Resource name must have length greater than or equal to 3, "
    "Resource name must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
)


def parse(arn: str) -> TableName:
    """What a table's ARN names; raises ValidationException for any other text."""
    found = parse_table(arn)
    if found is None:
        raise _fault(arn)
    return found


def _fault(arn: str) -> ClientError:
    parts = arn.split(":", _PARTS - 1)
    if len(parts) < _PARTS or parts[2] != "dynamodb" or "/" not in parts[5]:
        return _unfit(arn, _FORM)
    _, partition, _, region, _, resource = parts
    kind, _, name = resource.partition("/")
    if not has_region(partition, region):
        return _invalid("AWS partition", arn)
    if kind != "table":
        return _invalid("resource type", arn)
    if len(name) < _NAME_CHARACTERS_MIN:
        return _unfit(arn, f"Table name of ARN must have length greater than or equal to {_NAME_CHARACTERS_MIN}")
    return _unfit(arn, _FORM)


def _invalid(part: str, arn: str) -> ClientError:
    return errors.validation(f"1 validation error detected: Invalid {part} in '{errors.quoted(arn)}'")


def _unfit(arn: str, constraint: str) -> ClientError:
    return errors.validation(
        f"1 validation error detected: Value '{errors.quoted(arn)}' at 'tableName' failed to satisfy constraint: "
        f"{constraint}"
    )
