"""The key policies that keys have where nobody gave them one, in the words and the form of AWS's."""

from typing import Any

import orjson


def of_account(account: str) -> str:
    """The default: the account decides by its own policies who may do what."""
    return _text("key-default-1", [_statement("Enable IAM User Permissions", _root(account), ["kms:*"])])


def of_dynamodb(account: str, region: str) -> str:
    """Of the key that AWS manages for an account's tables: DynamoDB uses it for whoever may use the tables."""
    through_dynamodb = {
        "StringEquals": {"kms:CallerAccount": account, "kms:ViaService": f"dynamodb.{region}.amazonaws.com"}
    }
    using = [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:CreateGrant",
        "kms:DescribeKey",
    ]
    reading = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]
    sid = (
        "Allow access through Amazon DynamoDB for all principals in the account that are authorized to use Amazon "
        "DynamoDB"
    )
    return _text(
        "auto-dynamodb-1",
        [
            {**_statement(sid, "*", using), "Condition": through_dynamodb},
            _statement("Allow direct access to key metadata to the account", _root(account), reading),
        ],
    )


def _root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def _statement(sid: str, principal: str, actions: list[str]) -> dict[str, Any]:
    action = actions[0] if len(actions) == 1 else actions
    return {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*"}


def _text(id: str, statements: list[dict[str, Any]]) -> str:
    document = {"Version": "2012-10-17", "Id": id, "Statement": statements}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
