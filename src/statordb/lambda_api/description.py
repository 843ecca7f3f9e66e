"""A function as the API shows it: FunctionConfiguration of the service model."""

from typing import Any

from statordb.model.invocation import moment
from statordb.store.functions.catalog import LATEST, FunctionRecord

# Members that ListFunctions leaves out; API reference, ListFunctions.
_STATE = frozenset({"State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason"})


def configuration(record: FunctionRecord, *, qualified: bool = False) -> dict[str, Any]:
    """What most operations answer with. `qualified`: its ARN names the version, as where the request did."""
    options = record.options
    shown: dict[str, Any] = {
        "FunctionName": record.name,
        "FunctionArn": f"{record.arn}:{LATEST}" if qualified else record.arn,
        "Runtime": record.runtime,
        "Role": record.role,
        "Handler": record.handler,
        "CodeSize": record.code_size,
        "Description": record.description,
        "Timeout": record.timeout_seconds,
        "MemorySize": record.memory_mb,
        "LastModified": moment(record.modified_at),
        "CodeSha256": record.code_sha256,
        "Version": LATEST,
        "TracingConfig": options.get("TracingConfig") or {"Mode": "PassThrough"},
        "RevisionId": record.revision,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": options.get("Architectures") or ["x86_64"],
        "EphemeralStorage": options.get("EphemeralStorage") or {"Size": 512},
        "SnapStart": {"ApplyOn": "None", **options.get("SnapStart", {}), "OptimizationStatus": "Off"},
        "LoggingConfig": {
            "LogFormat": "Text",
            "LogGroup": f"/aws/lambda/{record.name}",
            **options.get("LoggingConfig", {}),
        },
    }
    if record.environment:
        shown["Environment"] = {"Variables": record.environment}
    if options.get("DeadLetterConfig", {}).get("TargetArn"):
        shown["DeadLetterConfig"] = options["DeadLetterConfig"]
    if options.get("KMSKeyArn"):
        shown["KMSKeyArn"] = options["KMSKeyArn"]
    if options.get("VpcConfig"):
        shown["VpcConfig"] = {**options["VpcConfig"], "VpcId": ""}
    return shown


def listed(record: FunctionRecord, *, qualified: bool = False) -> dict[str, Any]:
    """What lists hold of a function."""
    shown = configuration(record, qualified=qualified)
    return {name: value for name, value in shown.items() if name not in _STATE}
