"""An entry of the audit log, in the form that CloudTrail gives its records (user guide, "CloudTrail record contents").

Values of items are never in it, nor secrets: of requests that change or read items only the names of tables are kept,
of others what was asked, but for secrets (`parameters.py`).
"""

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from statordb.access.authority import ROLE, Authority
from statordb.access.decision import principal_arn
from statordb.model.request import Origin, Principal
from statordb.server.audit.parameters import elements, parameters, printable
from statordb.server.request_log import tables_of

VERSION = "1.11"
TEXT_CHARACTERS_MAX = 1024  # of what a client sent
# Of DynamoDB, by AWS's "Logging DynamoDB operations by using CloudTrail"; of Lambda, "Invoke" only.
DATA_OPERATIONS = frozenset({
    "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "ExecuteTransaction",
    "GetItem", "GetRecords", "GetShardIterator", "Invoke", "InvokeAsync", "PutItem", "Query", "Scan",
    "TransactGetItems", "TransactWriteItems", "UpdateItem",
})  # fmt: skip
_ISSUED = "aws:TokenIssueTime"
_READS = ("Get", "List", "Describe", "BatchGet", "Query", "Scan", "Simulate", "TransactGet")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]{1,128})/[0-9]{8}/([A-Za-z0-9-]{1,64})/([a-z0-9-]{1,64})/")


class Asked(NamedTuple):
    """What is known of an answered request. `body`: b"" where it is not kept; `principal` None: nobody was let in;
    `authorization`: the header, or the query that stands for it; `service`: that of a request without either;
    `given` and `outcome`: its members, and its answer's, where its service tells them."""

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
    service: str = "dynamodb"
    given: Mapping[str, Any] | None = None
    outcome: Mapping[str, Any] | None = None


def entry(asked: Asked) -> dict[str, Any]:
    """The record of a request."""
    principal, error = asked.principal, asked.error
    claimed = _CREDENTIAL.search(unquote(asked.authorization.decode("latin-1")))
    service = claimed[3] if claimed else asked.service
    region = principal.region if principal else claimed[2] if claimed else ""
    is_data = asked.operation in DATA_OPERATIONS
    is_read = asked.operation.startswith(_READS)
    record: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": identity(principal, claimed[1] if claimed else ""),
        "eventTime": stamp(asked.at),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": shown(asked.operation),
        "awsRegion": region,
        "sourceIPAddress": asked.origin.address,
        "userAgent": shown(asked.agent.decode("latin-1")),
        "requestParameters": parameters(asked.path, asked.body, is_data, asked.given),
        "responseElements": elements(asked.outcome, is_read),
        "requestID": asked.request_id,
        "eventID": str(uuid.uuid4()),
        "readOnly": is_read,
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
    key = shown(principal.access_key_id)
    told: dict[str, Any] = {"type": kind, "arn": arn, "accountId": principal.account, "accessKeyId": key}
    if kind == "IAMUser":
        told["userName"] = arn.rpartition("/")[2]
    who = principal.authority
    if isinstance(who, Authority):
        told["principalId"] = who.user_id
        if _ISSUED in who.facts:
            told["sessionContext"] = _session(who)
    return told


def _session(who: Authority) -> dict[str, Any]:
    """Of what a session is, and since when."""
    context: dict[str, Any] = {"attributes": {"creationDate": who.facts[_ISSUED], "mfaAuthenticated": "false"}}
    if who.kind == ROLE:
        arn = principal_arn(who)
        context["sessionIssuer"] = {
            "type": "Role",
            "principalId": who.user_id.partition(":")[0],
            "arn": arn,
            "accountId": who.account,
            "userName": arn.rpartition("/")[2],
        }
    return context


def stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def shown(text: str) -> str:
    """What a client sent, as an entry may have it."""
    return printable(text[:TEXT_CHARACTERS_MAX])


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
