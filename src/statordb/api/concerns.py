"""UpdateTable does one thing a call: which parts of a request go together.

Measured on AWS pair by pair (aws-controllers-k8s, API quirks of October 2026, TABLE-174, -359, -382, -433 and -449).
"""

from typing import Any

from statordb.model.errors import invalid_parameters, unsupported, validation

_NAMED = (
    "ProvisionedThroughput", "BillingMode", "StreamSpecification", "GlobalSecondaryIndexUpdates", "SSESpecification",
    "DeletionProtectionEnabled", "OnDemandThroughput", "WarmThroughput", "TableClass",
)  # fmt: skip
_DROPPABLE = ("OnDemandThroughput", "WarmThroughput")  # empty ones beside anything else say nothing
_EMPTY = {
    "OnDemandThroughput": "MaxReadRequestUnits or MaxWriteRequestUnits",
    "WarmThroughput": "ReadUnitsPerSecond or WriteUnitsPerSecond",
}
_ALONE = {
    "SSESpecification": "Server-Side Encryption",
    "TableClass": "TableClass",
    "DeletionProtectionEnabled": "DeletionProtection",
}
_ANY = (
    "ProvisionedThroughput", "BillingMode", "UpdateStreamEnabled", "GlobalSecondaryIndexUpdates", "SSESpecification",
    "ReplicaUpdates", "MultiAccountReplicaReady", "ReplicaTransitRoleArn", "MultiRegionConsistency",
    "DeletionProtectionEnabled", "OnDemandThroughput", "WarmThroughput",
)  # fmt: skip
_OF_REPLICAS = ("ReplicaUpdates", "GlobalTableWitnessUpdates")  # which this server does not have
# While these are carried out a table is UPDATING, as while an index comes or goes; with all others it stays ACTIVE.
_UPDATING = frozenset(("ProvisionedThroughput", "BillingMode", "StreamSpecification", "TableClass"))


def of(request: dict[str, Any]) -> set[str]:
    """The members of an UpdateTable that ask for something; raises ValidationException unless they go together."""
    asked = {
        member
        for member in _NAMED
        if request.get(member) is not None and (request[member] or member != "GlobalSecondaryIndexUpdates")
    }
    for member in _DROPPABLE:
        if member in asked and not request[member]:
            if len(asked) == 1:  # AWS answers InternalFailure
                raise invalid_parameters(f"{member} must have at least one of {_EMPTY[member]} specified")
            asked.discard(member)
    _refuse_replicas(asked, request)
    if not asked:
        raise validation(_nothing(request))
    if request.get("GlobalSecondaryIndexUpdates") == []:
        raise invalid_parameters("List of GlobalSecondaryIndexUpdates is empty")
    _check_alone(asked, request)
    _check_beside_indexes(asked, request)
    return asked


def _refuse_replicas(asked: set[str], request: dict[str, Any]) -> None:
    """What is empty counts as absent."""
    given = [member for member in _OF_REPLICAS if any(request.get(member) or ())]
    if given and asked:
        raise invalid_parameters("Requests that modify replicas or witnesses must not also modify other fields")
    if given:
        raise unsupported(given[0])


def _nothing(request: dict[str, Any]) -> str:
    """AWS does not name what it was given, though it asked for nothing."""
    named = [member for member in _ANY if member != "MultiRegionConsistency" or request.get(member) is None]
    return f"At least one of {', '.join(named)} or TableClass is required"


def updates(asked: set[str], request: dict[str, Any]) -> bool:
    """Whether the table is UPDATING for a while."""
    return not _UPDATING.isdisjoint(asked) or _remakes(request)


def _remakes(request: dict[str, Any]) -> bool:
    """Whether an index is created or deleted."""
    return any("Update" not in update for update in request.get("GlobalSecondaryIndexUpdates") or ())


def _check_alone(asked: set[str], request: dict[str, Any]) -> None:
    others = len(asked) > 1
    for member, name in _ALONE.items():
        if member in asked and others:
            raise invalid_parameters(f"{name} modification must be the only operation in the request")
    if "OnDemandThroughput" in asked and not asked <= {
        "OnDemandThroughput", "BillingMode", "GlobalSecondaryIndexUpdates",
    }:  # fmt: skip
        raise invalid_parameters("OnDemandThroughput can only be combined with BillingMode in an UpdateTable request")
    if "WarmThroughput" in asked and others:
        if any("Create" in update for update in request.get("GlobalSecondaryIndexUpdates") or ()):
            raise invalid_parameters("Create global secondary index cannot be specified when updating WarmThroughput")
        raise invalid_parameters("WarmThroughput must be the only operation in the request")


def _check_beside_indexes(asked: set[str], request: dict[str, Any]) -> None:
    provisions = "ProvisionedThroughput" in asked
    if "StreamSpecification" in asked and provisions:
        raise invalid_parameters("You cannot modify stream status while updating table IOPS")
    remade = _remakes(request)
    if remade and provisions:
        raise invalid_parameters("You cannot create or delete index while updating table IOPS")
    if remade and "StreamSpecification" in asked:
        raise invalid_parameters("You cannot create or delete index while changing stream status")
