"""The Lambda function on the stream of the carts: counts which products are bought together.

Settings from its environment: RECOMMENDATIONS_TABLE and PROGRESS_TABLE, and boto3's own.
"""

import os
from typing import Any

import boto3
from counts import Counts

# Made once a process, before its first event.
COUNTS = Counts(boto3.client("dynamodb"), os.environ["RECOMMENDATIONS_TABLE"], os.environ["PROGRESS_TABLE"])


def handler(event: dict[str, Any], context: Any) -> None:
    """Count one batch. An error makes it come again, which is safe: what was counted is not counted twice."""
    records = event["Records"]
    if records:
        COUNTS.add(records)
        COUNTS.note(records, context.aws_request_id)
