"""An entry of the audit log, in the form that CloudTrail gives its records (user guide, "CloudTrail record contents").

Values of items are never in it, nor secrets: of requests that change or read items only the names of tables are kept,
of others what was asked, but for the members in SECRET.
"""

import re
import time
import uuid
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from statordb.model.request import Origin, Principal
from statordb.server.request_log import tables_of

VERSION = "1.11"
PARAMETERS_BYTES_MAX = 32 * 1024  # of a request, that are kept
FIELDS_MAX = 1000  # of a form
FORM = ("Action", "Version")
TEXT_CHARACTERS_MAX = 1024  # of what a client sent
DEPTH_MAX = 32  # of what was asked; what lies deeper is left out, as not all that can be read can be written
LEFT_OUT = "..."
SECRET = frozenset({
    "ClientRequestToken", "Plaintext", "CiphertextBlob", "SecretAccessKey", "Password", "ZipFile", "Environment",
    "WebIdentityToken", "GrantToken", "GrantTokens", "ExpressionAttributeValues", "Parameters", "Item", "Key",
    "Items", "Keys",
})  # fmt: skip
# Of DynamoDB, by AWS's "Logging DynamoDB operations by using CloudTrail"; of Lambda, "Invoke" only.
DATA_OPERATIONS = frozenset({
    "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "ExecuteTransaction",
    "GetItem", "GetRecords", "GetShardIterator", "Invoke", "InvokeAsync", "PutItem", "Query", "Scan",
    "TransactGetItems", "TransactWriteItems", "UpdateItem",
})  # fmt: skip
_READS = ("Get", "List", "Describe", "BatchGet", "Query", "Scan", "Simulate", "TransactGet")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]{1,128})/[0-9]{8}/([A-Za-z0-9-]{1,64})/([a-z0-9-]{1,64})/")


class Asked(NamedTuple):
    """What is known of an answered request. `body`: b"" where it is not kept; `principal` None: nobody was let in."""

    at: float
    operation: str
    request_id: str
    principal: Principal | None
    origin: Origin
    agent: bytes
    authorization: bytes
    path: bytes
    body: bytes
    status: int = 200
    error: str | None = None


def entry(asked: Asked) -> dict[str, Any]:
    """The record of a request."""
    principal, error = asked.principal, asked.error
    claimed = _CREDENTIAL.search(asked.authorization.decode("latin-1"))
    service = claimed[3] if claimed else "dynamodb"
    region = principal.region if principal else claimed[2] if claimed else ""
    is_data = asked.operation in DATA_OPERATIONS
    record: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": identity(principal, claimed[1] if claimed else ""),
        "eventTime": stamp(asked.at),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": shown(asked.operation),
        "awsRegion": region,
        "sourceIPAddress": asked.origin.address,
        "userAgent": shown(asked.agent.decode("latin-1")),
        "requestParameters": _parameters(asked, is_data),
        "responseElements": None,
        "requestID": asked.request_id,
        "eventID": str(uuid.uuid4()),
        "readOnly": asked.operation.startswith(_READS),
        "resources": _resources(asked, principal),
        "eventType": "AwsApiCall",
        "managementEvent": not is_data,
        "recipientAccountId": principal.account if principal else "",
        "eventCategory": "Data" if is_data else "Management",
        "httpStatus": asked.status,
    }
    if error is not None:
        record["errorCode"] = error
    if asked.origin.secure:
        record["tlsDetails"] = {"clientProvidedHostHeader": ""}
    if asked.origin.endpoint is not None:
        record["vpcEndpointId"] = asked.origin.endpoint
    return record


def identity(principal: Principal | None, claimed: str) -> dict[str, Any]:
    """userIdentity. `claimed`: the access key id that a stranger named."""
    if principal is None:
        return {"type": "Unknown", "accessKeyId": shown(claimed)}
    arn = principal.arn
    kind = "Root"
    for part, name in ((":user/", "IAMUser"), (":assumed-role/", "AssumedRole"), (":federated-user/", "FederatedUser")):
        if part in arn:
            kind = name
    told = {"type": kind, "arn": arn, "accountId": principal.account, "accessKeyId": shown(principal.access_key_id)}
    return {**told, "userName": arn.rpartition("/")[2]} if kind == "IAMUser" else told


def stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def shown(text: str) -> str:
    """What a client sent, as an entry may have it."""
    return "".join(each if each.isprintable() else "?" for each in text[:TEXT_CHARACTERS_MAX])


def _parameters(asked: Asked, is_data: bool) -> Any:
    if asked.path not in (b"/", b""):
        return {"path": shown(asked.path.decode("latin-1"))}
    if is_data:
        tables = tables_of(asked.body)
        return {"tableName": tables} if tables else None
    if len(asked.body) > PARAMETERS_BYTES_MAX:
        return {"omitted": "the request is too large", "tableName": tables_of(asked.body)}
    try:
        document = orjson.loads(asked.body)
    except orjson.JSONDecodeError:
        return _of_form(asked.body)
    return _public(document)


def _of_form(body: bytes) -> dict[str, str] | None:
    """The members of a form, as IAM's and STS's APIs take them."""
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=FIELDS_MAX)
    except ValueError:
        return None
    return {shown(name): shown(value) for name, value in pairs if name not in SECRET and name not in FORM} or None


def _public(value: Any, depth: int = 0) -> Any:
    """Without what nobody is to read here."""
    if depth > DEPTH_MAX and isinstance(value, (dict, list)):
        return LEFT_OUT
    if isinstance(value, dict):
        return {name: _public(each, depth + 1) for name, each in value.items() if name not in SECRET}
    if isinstance(value, list):
        return [_public(each, depth + 1) for each in value]
    return value


def _resources(asked: Asked, principal: Principal | None) -> list[dict[str, str]]:
    if principal is None or asked.path not in (b"/", b""):
        return []
    found = []
    for name in filter(None, tables_of(asked.body).split(",")):
        arn = (
            name if name.startswith("arn:") else f"arn:aws:dynamodb:{principal.region}:{principal.account}:table/{name}"
        )
        if name != "...":
            found.append({"accountId": arn.split(":")[4], "type": "AWS::DynamoDB::Table", "ARN": arn})
    return found
