"""An entry of the audit log, in the form that CloudTrail gives its records (user guide, "CloudTrail record contents").

Values of items are never in it, nor secrets: of requests that change or read items only the names of tables are kept,
of others what was asked, but for secrets (`parameters.py`).
"""

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

from statordb.api import iterators
from statordb.model.errors import ClientError
from statordb.model.request import Origin, Principal
from statordb.server.audit.identity import identity
from statordb.server.audit.parameters import elements, members_of, parameters, printable
from statordb.server.audit.resources import Place, resources
from statordb.server.request_log import tables_of

VERSION = "1.11"
TEXT_CHARACTERS_MAX = 1024  # of what a client sent
TOLD_BYTES_MAX = 96 * 1024  # of request and answer; beyond, the answer is left out, so that a line holds the request
# Of DynamoDB, by AWS's "Logging DynamoDB operations by using CloudTrail"; of Lambda, "Invoke" only.
DATA_OPERATIONS = frozenset({
    "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "ExecuteTransaction",
    "GetItem", "GetRecords", "GetShardIterator", "Invoke", "InvokeAsync", "PutItem", "Query", "Scan",
    "TransactGetItems", "TransactWriteItems", "UpdateItem",
})  # fmt: skip
KEY_USES = (
    "Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateRandom", "GenerateMac", "Sign", "Verify",
    "DeriveSharedSecret",
)  # fmt: skip
_READS = ("Get", "List", "Describe", "BatchGet", "Query", "Scan", "Simulate", "TransactGet", "AssumeRole")
API_VERSIONS = {"dynamodb": "2012-08-10"}
# They may quote what was sent, whatever that is.
_QUOTING = frozenset({
    "InvalidParameterValueException", "InvalidRequestContentException", "SerializationException", "ValidationError",
    "ValidationException",
})  # fmt: skip
_CREDENTIAL = re.compile(r"Credential=([^/,\s]{1,128})/[0-9]{8}/([A-Za-z0-9-]{1,64})/([a-z0-9-]{1,64})/")


class Asked(NamedTuple):
    """What is known of an answered request. `body`: b"" where it is not kept; `principal` None: nobody was let in;
    `authorization`: the header, or the query that stands for it; `service`: that of a request without either;
    `given` and `outcome`: its members, and its answer's, where its service tells them; `answer`: else the answer as
    JSON, where it may be told; `host`: of the header Host; `about`: ARNs that its service knows it to be about."""

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
    answer: bytes = b""
    host: bytes = b""
    about: Sequence[str] = ()


def entry(asked: Asked) -> dict[str, Any]:
    """The record of a request."""
    principal, error = asked.principal, asked.error
    claimed = _CREDENTIAL.search(unquote(asked.authorization.decode("latin-1")))
    service = claimed[3] if claimed else asked.service
    region = principal.region if principal else claimed[2] if claimed else ""
    is_data = asked.operation in DATA_OPERATIONS
    reads = is_read(asked.operation)
    is_omitted = len(asked.body) + len(asked.answer) > TOLD_BYTES_MAX
    answer = {} if is_omitted else _document(asked.answer)
    outcome = (asked.outcome or answer) if error is None else None
    found = _resources(asked, principal, service, outcome)
    told = elements(outcome, reads)
    if told is None and service == "kms" and not reads and error is None:
        told = _changed(found)
    record: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": identity(principal, shown(claimed[1]) if claimed else "", outcome),
        "eventTime": stamp(asked.at),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": shown(asked.operation),
        "awsRegion": region,
        "sourceIPAddress": asked.origin.address,
        "userAgent": shown(asked.agent.decode("latin-1")),
        "requestParameters": parameters(asked.path, asked.body, is_data, asked.given),
        "responseElements": told,
        "requestID": asked.request_id,
        "eventID": str(uuid.uuid4()),
        "readOnly": reads,
        "resources": found,
        "eventType": "AwsApiCall",
        "managementEvent": not is_data,
        "recipientAccountId": principal.account if principal else "",
        "eventCategory": "Data" if is_data else "Management",
        "httpStatus": asked.status,
    }
    further = _further(asked, service, found, answer)
    if further:
        record["additionalEventData"] = further
    if is_omitted and asked.answer:
        record["omitted"] = True
    if service in API_VERSIONS:
        record["apiVersion"] = API_VERSIONS[service]
    if error is not None:
        record["errorCode"] = error
        text = answer.get("message") or answer.get("Message")
        if isinstance(text, str) and not is_data and error.rpartition("#")[2] not in _QUOTING:
            record["errorMessage"] = shown(text)
    if asked.origin.secure:
        record["tlsDetails"] = _tls(asked)
    if asked.origin.endpoint is not None:
        record["vpcEndpointId"] = asked.origin.endpoint
    return record


def _further(
    asked: Asked, service: str, found: Sequence[Mapping[str, str]], answer: Mapping[str, Any]
) -> dict[str, Any]:
    """additionalEventData: which material of a key was used (KMS developer guide, "ReEncrypt" and others), and which
    version of a function (Lambda developer guide, "Logging Lambda API calls using CloudTrail")."""
    if asked.error is not None:
        return {}
    if service == "kms":
        names = ("KeyMaterialId", "SourceKeyMaterialId", "DestinationKeyMaterialId")
        return {name[:1].lower() + name[1:]: answer[name] for name in names if isinstance(answer.get(name), str)}
    if asked.operation in ("Invoke", "InvokeAsync"):
        version = (asked.given or {}).get("Qualifier") or "$LATEST"
        arns = [each["ARN"] for each in found if each["type"] == "AWS::Lambda::Function"]
        return {"functionVersion": f"{arns[0]}:{shown(str(version))}"} if arns else {}
    return {}


def _changed(found: list[dict[str, str]]) -> dict[str, str] | None:
    """Of a change of a key of KMS, whose answer is empty, the key: KMS developer guide, "CreateAlias" and others."""
    return next(({"keyId": each["ARN"]} for each in found if each["type"] == "AWS::KMS::Key"), None)


def is_read(operation: str) -> bool:
    """Whether it changes nothing that is kept: so are uses of keys, and sessions that are begun."""
    return operation.startswith(_READS + KEY_USES)


def _tls(asked: Asked) -> dict[str, str]:
    """By what the connection is encrypted, as far as that is known: a proxy may not say it."""
    told = dict(zip(("tlsVersion", "cipherSuite"), map(shown, asked.origin.tls), strict=False))
    return {**told, "clientProvidedHostHeader": shown(asked.host.decode("latin-1"))}


def _document(answer: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(answer) if answer else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def shown(text: str) -> str:
    """What a client sent, as an entry may have it."""
    return printable(text[:TEXT_CHARACTERS_MAX])


def _resources(
    asked: Asked, principal: Principal | None, service: str, outcome: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    if principal is None:
        return []
    place = Place(service, principal.region, principal.account)
    if asked.path not in (b"/", b""):
        return resources(place, "", asked.given, outcome)
    if asked.operation == "GetRecords":
        return resources(place, _stream(asked.body))
    if asked.operation in DATA_OPERATIONS:
        return resources(place, tables_of(asked.body))
    given = asked.given or members_of(asked.body)
    is_use = service == "kms" and asked.operation.startswith(KEY_USES)  # of two keys the source is told first
    documents = (outcome, given) if is_use else (given, outcome)
    return resources(place, tables_of(asked.body), *documents, about=asked.about)


def _stream(body: bytes) -> str:
    """The ARN of the stream whose records are asked for: a shard iterator names it."""
    iterator = members_of(body).get("ShardIterator")
    try:
        return iterators.decode(iterator).stream_arn if isinstance(iterator, str) else ""
    except ClientError:
        return ""
