"""Clients that write under a stream, each its own items, and note what they tried and what was acknowledged."""

import random
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.pace import PATIENT

Item = dict[str, Any]
Key = tuple[str, str]  # text of p and c

TABLE = "ledger"
ITEMS_PER_WRITER = 12
PARTITIONS_PER_WRITER = 4


class Attempt(NamedTuple):
    """A write that changes an item: the image that it leaves, None for none, and whether it was acknowledged."""

    image: Item | None
    acknowledged: bool


def tables_client(url: str) -> Any:
    """A boto3 client that tries nothing again: a write without an answer is made at most once."""
    config = Config(retries={"total_max_attempts": 1}, **PATIENT)
    return boto3.client("dynamodb", endpoint_url=url, config=config)


def create_table(client: Any) -> str:
    """The table of all writers, with a stream that shows all; the stream's ARN."""
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "c", "AttributeType": "N"},
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return str(client.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"])


def key_of(item: Item) -> Key:
    return item["p"]["S"], item["c"]["N"]


def key_shape(key: Key) -> Item:
    return {"p": {"S": key[0]}, "c": {"N": key[1]}}


class Writer:
    """One client. `start` makes it write until the server is gone, `join` waits for that; both may be called again.

    `attempts`: what it tried, in order, of each of its items. Nobody else writes them.
    """

    def __init__(self, number: int, seed: int) -> None:
        self.attempts: dict[Key, list[Attempt]] = {}
        self.refusals = 0
        self._number = number
        self._random = random.Random(seed)
        self._version = 0
        self._items: dict[Key, Item | None] = {}
        for item in range(ITEMS_PER_WRITER):
            self._items[f"writer-{number}-{item % PARTITIONS_PER_WRITER}", str(item)] = None
        self._failure: BaseException | None = None

    def start(self, url: str) -> None:
        self._client = tables_client(url)
        for key, attempts in self.attempts.items():
            if attempts and not attempts[-1].acknowledged:  # it got no answer: did it happen?
                answer = self._client.get_item(TableName=TABLE, Key=key_shape(key), ConsistentRead=True)
                self._items[key] = answer.get("Item")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Raises what went wrong."""
        self._thread.join(seconds)
        assert not self._thread.is_alive()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        actions: list[tuple[Callable[[], None], int]] = [
            (self._put, 25),
            (self._put_the_same, 5),
            (self._update, 25),
            (self._update_in_vain, 5),
            (self._delete, 10),
            (self._transact, 15),
            (self._batch, 15),
        ]
        chosen, weights = zip(*actions, strict=True)
        try:
            while True:
                self._random.choices(chosen, weights)[0]()
        except ClientError as error:
            self._failure = error
        except BotoCoreError:
            return  # the server is gone, as the test wants
        except BaseException as error:
            self._failure = error

    def _put(self) -> None:
        key = self._any_key()
        image = self._image(key)
        self._write({key: image}, self._client.put_item, TableName=TABLE, Item=image)

    def _put_the_same(self) -> None:
        """A put that changes nothing makes no record."""
        image = self._items[self._any_key()]
        if image is not None:
            self._client.put_item(TableName=TABLE, Item=image)

    def _update(self) -> None:
        """On the condition that the item is as this client left it."""
        key = self._any_key()
        image = {**(self._items[key] or key_shape(key)), "v": self._value()}
        image.pop("note", None)
        self._write({key: image}, self._client.update_item, **self._change(key, image))

    def _update_in_vain(self) -> None:
        """A condition that fails makes no record."""
        try:
            self._client.update_item(
                TableName=TABLE,
                Key=key_shape(self._any_key()),
                UpdateExpression="SET v = :v",
                ConditionExpression="v = :v",
                ExpressionAttributeValues={":v": {"S": "never"}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            self.refusals += 1
            return
        raise AssertionError("a condition held that could not")

    def _delete(self) -> None:
        """Of an item that may not be there, which makes no record."""
        key = self._any_key()
        self._write({key: None}, self._client.delete_item, TableName=TABLE, Key=key_shape(key))

    def _transact(self) -> None:
        """A put, an update and a delete, or none of them."""
        one, two, three = self._random.sample(sorted(self._items), 3)
        images: dict[Key, Item | None] = {one: self._image(one), three: None}
        images[two] = updated = {**(self._items[two] or key_shape(two)), "v": self._value()}
        updated.pop("note", None)
        actions = [
            {"Put": {"TableName": TABLE, "Item": images[one]}},
            {"Update": self._change(two, updated)},
            {"Delete": {"TableName": TABLE, "Key": key_shape(three)}},
        ]
        self._write(images, self._client.transact_write_items, TransactItems=actions)

    def _batch(self) -> None:
        """Puts and deletes that need not happen together."""
        images: dict[Key, Item | None] = {}
        for key in self._random.sample(sorted(self._items), 5):
            images[key] = self._image(key) if self._random.random() < 0.7 else None
        requests = [
            {"DeleteRequest": {"Key": key_shape(key)}} if image is None else {"PutRequest": {"Item": image}}
            for key, image in images.items()
        ]
        answer = self._write(images, self._client.batch_write_item, RequestItems={TABLE: requests})
        assert not answer["UnprocessedItems"], answer

    def _write(self, images: dict[Key, Item | None], call: Any, **request: Any) -> Any:
        """Make one call; each change is an attempt without an acknowledgement until the answer is here."""
        changed = {key: image for key, image in images.items() if image != self._items[key]}
        for key, image in changed.items():
            self.attempts.setdefault(key, []).append(Attempt(image, False))
        answer = call(**request)
        for key, image in changed.items():
            self.attempts[key][-1] = Attempt(image, True)
            self._items[key] = image
        return answer

    def _change(self, key: Key, image: Item) -> Item:
        """UpdateItem's members for a new `v`."""
        values = {":v": image["v"]}
        old = self._items[key]
        if old is not None:
            values[":old"] = old["v"]
        return {
            "TableName": TABLE,
            "Key": key_shape(key),
            "UpdateExpression": "SET v = :v REMOVE note",
            "ConditionExpression": "attribute_not_exists(p)" if old is None else "v = :old",
            "ExpressionAttributeValues": values,
        }

    def _any_key(self) -> Key:
        return self._random.choice(list(self._items))

    def _value(self) -> Item:
        """Unlike any other."""
        self._version += 1
        return {"S": f"{self._number}.{self._version}"}

    def _image(self, key: Key) -> Item:
        image = {**key_shape(key), "v": self._value()}
        if self._random.random() < 0.5:
            image["note"] = {"S": "x" * self._random.randrange(1, 2000)}
        return image
