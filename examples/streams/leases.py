"""Who reads which shard, and how far: a table of leases, after the Kinesis Client Library's model.

One item per shard. `leaseCounter` grows with every renewal: a worker whose counter stands still for a whole lease time
is taken for dead. Each change is conditional on the counter as it was last seen, so that of two workers one succeeds.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

# What a checkpoint may be besides a sequence number.
TRIM_HORIZON = "TRIM_HORIZON"  # nothing is processed yet
SHARD_END = "SHARD_END"  # everything is, and nothing more will come


@dataclass(frozen=True)
class Lease:
    """A lease as it was at one moment. `checkpoint`: up to where the shard is processed."""

    shard: str
    parent: str | None
    owner: str | None
    counter: int
    checkpoint: str

    @property
    def ended(self) -> bool:
        return self.checkpoint == SHARD_END


class LeaseTable:
    """The leases of one stream's shards. Changes return None where another worker was first.

    `client`: boto3's of `dynamodb`.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def create(self) -> None:
        """Create the table if it is missing, and wait until it can be used."""
        try:
            self._client.create_table(
                TableName=self._name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}],
            )
        except self._client.exceptions.ResourceInUseException:
            pass  # it is there already
        self._client.get_waiter("table_exists").wait(TableName=self._name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def all(self) -> dict[str, Lease]:
        """Every lease, by shard."""
        pages = self._client.get_paginator("scan").paginate(TableName=self._name, ConsistentRead=True)
        leases = [_lease(item) for page in pages for item in page["Items"]]
        return {lease.shard: lease for lease in leases}

    def add(self, shard: str, parent: str | None) -> Lease | None:
        """A lease for a new shard, without an owner."""
        item: dict[str, Any] = {
            "leaseKey": {"S": shard},
            "leaseCounter": {"N": "0"},
            "checkpoint": {"S": TRIM_HORIZON},
        }
        if parent is not None:
            item["parentShardId"] = {"S": parent}
        condition = "attribute_not_exists(leaseKey)"
        answer = self._if_first(self._client.put_item, TableName=self._name, Item=item, ConditionExpression=condition)
        return None if answer is None else _lease(item)

    def take(self, lease: Lease, worker: str) -> Lease | None:
        """Become the owner."""
        return self._change(lease, "SET leaseOwner = :value", worker)

    def renew(self, lease: Lease) -> Lease | None:
        """Show that the owner is alive."""
        return self._change(lease)

    def checkpoint(self, lease: Lease, position: str) -> Lease | None:
        """Note how far the shard is processed: a sequence number, or SHARD_END. Also renews."""
        return self._change(lease, "SET checkpoint = :value", position)

    def release(self, lease: Lease) -> None:
        """Let another worker have it at once."""
        self._change(lease, "REMOVE leaseOwner")

    def remove(self, lease: Lease) -> None:
        """Forget a shard that the stream has forgotten."""
        self._if_first(
            self._client.delete_item,
            TableName=self._name,
            Key={"leaseKey": {"S": lease.shard}},
            ConditionExpression="leaseCounter = :seen",
            ExpressionAttributeValues={":seen": {"N": str(lease.counter)}},
        )

    def _change(self, lease: Lease, update: str = "", value: str | None = None) -> Lease | None:
        """Update a lease that is still as it was seen, count, and return it as it is now."""
        values = {":seen": {"N": str(lease.counter)}, ":one": {"N": "1"}}
        if value is not None:
            values[":value"] = {"S": value}
        answer = self._if_first(
            self._client.update_item,
            TableName=self._name,
            Key={"leaseKey": {"S": lease.shard}},
            UpdateExpression=f"{update} ADD leaseCounter :one",
            ConditionExpression="leaseCounter = :seen",
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
        )
        return None if answer is None else _lease(answer["Attributes"])

    def _if_first(self, call: Any, **request: Any) -> dict[str, Any] | None:
        """The answer of a conditional call, or None where its condition does not hold."""
        try:
            answer: dict[str, Any] = call(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        return answer


def _lease(item: dict[str, Any]) -> Lease:
    return Lease(
        shard=item["leaseKey"]["S"],
        parent=item["parentShardId"]["S"] if "parentShardId" in item else None,
        owner=item["leaseOwner"]["S"] if "leaseOwner" in item else None,
        counter=int(item["leaseCounter"]["N"]),
        checkpoint=item["checkpoint"]["S"],
    )
