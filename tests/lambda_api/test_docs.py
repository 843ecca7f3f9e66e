"""The page on Lambda's API names all operations and limits that there are, and no others."""

import re
from pathlib import Path

from statordb.lambda_api.operations import OPERATIONS
from statordb.model import function_limits
from statordb.model.service import load_service

PAGE = (Path(__file__).parents[2] / "docs/lambda.md").read_text()
LIMITS = {name: value for name, value in vars(function_limits).items() if name.isupper() and name not in ("KIB", "MIB")}


def test_every_operation_has_a_heading_and_no_other_has() -> None:
    assert set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == set(OPERATIONS)


def test_every_operation_is_lambdas() -> None:
    assert set(OPERATIONS) <= set(load_service("lambda", "2015-03-31").operations)


def test_every_limit_has_a_row_with_its_value() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) ", PAGE, re.MULTILINE)
    assert {name: int(value.replace(",", "")) for name, value in rows} == LIMITS
