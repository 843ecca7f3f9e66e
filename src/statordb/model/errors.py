"""Every error that a client can get, each made by a named maker, here and, for limits of throughput, in
`throughput_errors.py`. Written in one place: `model/request.error_reply`.

Types, HTTP statuses and texts are AWS's: the API reference ("Common Errors", and the errors of each operation), and
botocore's service model. `SMITHY_*` prefixes are what DynamoDB puts before the name in `__type`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from statordb.model.limits import ERROR_TEXT_CHARACTERS_MAX, QUOTED_CHARACTERS_MAX

SERVICE = "com.amazonaws.dynamodb.v20120810#"
CORAL = "com.amazon.coral.service#"
VALIDATE = "com.amazon.coral.validate#"


class ClientError(Exception):
    """An error answer: its `__type`, message, HTTP status, and further members of the body (`Item`,
    `CancellationReasons`).

    `message_member` is the spelling of the message's key, which differs between AWS's layers; no message, no key.
    `detected`: what the validation layer of 2026 says of it behind its own beginning; None: it tells it as it is.
    """

    __slots__ = ("detected", "members", "message", "message_member", "status", "type")

    def __init__(
        self,
        type: str,
        message: str | None,
        status: int = 400,
        members: dict[str, Any] | None = None,
        message_member: str = "message",
        detected: str | None = None,
    ) -> None:
        if message is not None and len(message) > ERROR_TEXT_CHARACTERS_MAX:
            message = message[:ERROR_TEXT_CHARACTERS_MAX] + _CUT
        super().__init__(type, message)
        self.type = type
        self.message = message
        self.status = status
        self.members = members
        self.message_member = message_member
        self.detected = detected

    @property
    def code(self) -> str:
        """The error's name as an SDK shows it."""
        return self.type.rpartition("#")[2]

    def body(self) -> dict[str, Any]:
        """The JSON object sent to the client."""
        body: dict[str, Any] = {"__type": self.type}
        if self.message is not None:
            body[self.message_member] = self.message
        if self.members:
            body.update(self.members)
        return body


class RefusesAll(ClientError):
    """A fault of one part of a transaction that refuses it as a whole, where others cancel it."""

    __slots__ = ()


class NestedTooDeeply(ClientError):
    """A value with too many levels: it is told without whose it is."""

    __slots__ = ()


class IllFormed(ClientError):
    """A text that is no statement."""

    __slots__ = ()


class StatementFault(ClientError):
    """What is wrong with what a statement means, whose words are right. A transaction tells which one it is of."""

    __slots__ = ()


class EmptyKey(RefusesAll):
    """An empty value of a key."""

    __slots__ = ()


ACCESS_DENIED = CORAL + "AccessDeniedException"
_CUT = "..."
_INVALID_PARAMETERS = "One or more parameter values were invalid: "


def quoted(text: str) -> str:
    """What a client sent, as an error's text tells it: a value may be as large as a request."""
    return text if len(text) <= QUOTED_CHARACTERS_MAX else text[:QUOTED_CHARACTERS_MAX] + _CUT


def listed(texts: Iterable[str]) -> str:
    """Several of them with commas between, as one text: not all of them are looked at where there are many."""
    parts = []
    length = 0
    for text in texts:
        parts.append(quoted(text))
        length += len(text) + 2
        if length > QUOTED_CHARACTERS_MAX + 2:
            break
    return quoted(", ".join(parts))


def validation(message: str) -> ClientError:
    return ClientError(VALIDATE + "ValidationException", message, detected=message)


def validation_as_it_is(message: str, detected: str | None = None) -> ClientError:
    """One that the validation layer of 2026 tells as it is, or in words of its own (`detected`)."""
    return ClientError(VALIDATE + "ValidationException", message, detected=detected)


def of_detection(fault: ClientError) -> ClientError:
    """The fault as AWS's newest validation layer tells it, which answers for PutItem, UpdateItem, DeleteItem and Query
    before the table is looked at.

    Source: what AWS answers in us-east-1 since August 2026; docs/compatibility.md says what is not known.
    """
    return fault if fault.detected is None else validation_as_it_is("1 validation error detected: " + fault.detected)


def empty_key(message: str) -> EmptyKey:
    return EmptyKey(VALIDATE + "ValidationException", message)


def invalid_request(sentence: str) -> ClientError:
    return validation(f"Invalid Request: {sentence}")


def invalid_parameters(detail: str) -> ClientError:
    """The form that most value checks use."""
    return validation(_INVALID_PARAMETERS + detail)


def duplicates(members: Iterable[str]) -> ClientError:
    """A set of strings that has one twice; the validation layer of 2026 quotes and sorts them."""
    listed_ = list(members)
    return validation_as_it_is(
        f"{_INVALID_PARAMETERS}Input collection [{listed(listed_)}] contains duplicates.",
        f"{_INVALID_PARAMETERS}Input collection [{listed(_each_quoted(listed_))}] contains duplicates.",
    )


def _each_quoted(members: list[str]) -> Iterable[str]:
    return (f'"{quoted(member)}"' for member in sorted(members))


def unsupported(member: str) -> ClientError:
    """Ours alone: of a member that AWS acts on, where ignoring it would mislead."""
    return validation(f"{member} is not supported by this server.")


def nested_too_deeply() -> NestedTooDeeply:
    return NestedTooDeeply(
        VALIDATE + "ValidationException",
        "Nesting Levels have exceeded supported limits: "
        "Attributes in the item have nested levels beyond supported limit",
    )


def item_too_large() -> ClientError:
    return validation_as_it_is("Item size has exceeded the maximum allowed size")


def update_too_large() -> ClientError:
    return validation_as_it_is("Item size to update has exceeded the maximum allowed size")


def too_many_conditions(count: int) -> ClientError:
    """Of the legacy parameters, which have no operators to count; the text is like that about operators."""
    return validation_as_it_is(
        f"{_INVALID_PARAMETERS}The request contains too many conditions; condition count: {count}"
    )


def too_many_names(parameter: str, count: int) -> ClientError:
    return validation_as_it_is(
        f"{_INVALID_PARAMETERS}{parameter} contains too many attribute names; attribute name count: {count}"
    )


def parameter_too_large(parameter: str) -> ClientError:
    """Of names and values, by DynamoDB's text about its placeholders; `parameter` is how it names them."""
    return validation_as_it_is(f"{parameter} exceeds max size")


def ill_formed_statement(detail: str) -> IllFormed:
    """Of a text that is no PartiQL."""
    return IllFormed(VALIDATE + "ValidationException", f"Statement wasn't well formed, can't be processed: {detail}")


def statement_fault(message: str | None) -> StatementFault:
    return StatementFault(VALIDATE + "ValidationException", message)


def refusing_all(message: str) -> RefusesAll:
    """Of a statement that does not name one item by its key."""
    return RefusesAll(VALIDATE + "ValidationException", message)


def invalid_token() -> ClientError:
    """Of a NextToken that nobody was given."""
    return validation_as_it_is("Invalid NextToken")


def token_of_another() -> ClientError:
    """Of the NextToken of another statement."""
    return validation_as_it_is("NextToken does not match request")


def duplicate_item() -> ClientError:
    """Of an INSERT where there is an item."""
    return ClientError(SERVICE + "DuplicateItemException", "Duplicate primary key exists in table")


def too_much_work() -> ClientError:
    """Ours alone: DynamoDB does not bound the work of a request."""
    return validation_as_it_is(
        "The request compares or copies more members of documents than one request may; "
        "use fewer or smaller lists, maps and sets"
    )


def serialization(message: str | None) -> ClientError:
    return ClientError(CORAL + "SerializationException", message, message_member="Message")


def unknown_operation(name: str | None = None) -> ClientError:
    """`name`: of an operation of DynamoDB's that is not built here; AWS knows it, and so has no text for it."""
    text = None if name is None else f"StatorDB does not support the operation {name} yet."
    return ClientError(CORAL + "UnknownOperationException", text)


def missing_authentication_token() -> ClientError:
    return ClientError(CORAL + "MissingAuthenticationTokenException", "Request is missing Authentication Token")


def incomplete_signature(message: str) -> ClientError:
    return ClientError(CORAL + "IncompleteSignatureException", message)


def invalid_signature(message: str) -> ClientError:
    return ClientError(CORAL + "InvalidSignatureException", message)


def unrecognized_client() -> ClientError:
    return ClientError(CORAL + "UnrecognizedClientException", "The security token included in the request is invalid.")


def expired_token() -> ClientError:
    return ClientError(CORAL + "ExpiredTokenException", "The security token included in the request is expired")


def request_expired(message: str) -> ClientError:
    return ClientError(CORAL + "RequestExpired", message)


def kms_fault(type: str, text: str, shown_as: str | None = None) -> str:
    """An error of KMS's as DynamoDB quotes it; `shown_as`: the class that it names, where that is another one.

    The server's own keys are not asked by requests, which had ids.
    """
    return (
        f"com.amazonaws.services.kms.model.{shown_as or type}: {text} (Service: AWSKMS; Status Code: 400; "
        f"Error Code: {type}; Request ID: null; Proxy: null)"
    )


def access_denied(message: str) -> ClientError:
    return ClientError(ACCESS_DENIED, message, message_member="Message")


def not_authorized(principal_arn: str, action: str, resource: str) -> ClientError:
    """For what is another account's, where only a policy of the resource could let anybody in."""
    return access_denied(
        f"User: {principal_arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no resource-based policy allows the {action} action"
    )


def request_too_large() -> ClientError:
    return ClientError(CORAL + "RequestEntityTooLargeException", None, status=413)


def internal() -> ClientError:
    return ClientError(
        SERVICE + "InternalServerError",
        "The request processing has failed because of an unknown error, exception or failure.",
        status=500,
    )


def unavailable() -> ClientError:
    """Who asks can't be looked up now: of the APIs that have an error for it (Common Errors of IAM, for one)."""
    return ClientError(
        "ServiceUnavailable", "The request has failed due to a temporary failure of the server.", status=503
    )


def resource_not_found(message: str = "Requested resource not found") -> ClientError:
    return ClientError(SERVICE + "ResourceNotFoundException", message)


def table_not_found(name: str) -> ClientError:
    return resource_not_found(f"Requested resource not found: Table: {name} not found")


def table_not_found_for_backups(name: str) -> ClientError:
    return ClientError(SERVICE + "TableNotFoundException", f"Table not found: {name}")


def table_already_exists(name: str) -> ClientError:
    return ClientError(SERVICE + "TableAlreadyExistsException", f"Table already exists: {name}")


def being_restored(name: str, backup_arn: str) -> ClientError:
    return ClientError(
        SERVICE + "TableInUseException", f"Table: {name} is already being restored from backup: {backup_arn}"
    )


def recovery_unavailable(name: str) -> ClientError:
    return ClientError(
        SERVICE + "PointInTimeRecoveryUnavailableException",
        f"Point in time recovery is not enabled for table '{name}'",
    )


def invalid_restore_time(wanted: str, earliest: str, latest: str) -> ClientError:
    """Times as in ISO 8601, to the second."""
    return ClientError(
        SERVICE + "InvalidRestoreTimeException",
        f"RestoreDateTime '{wanted}' must be within EarliestRestorableDateTime '{earliest}' and "
        f"LatestRestorableDateTime '{latest}'",
    )


def backup_not_found(arn: str) -> ClientError:
    return ClientError(SERVICE + "BackupNotFoundException", f"Backup not found: {arn}")


def backup_in_use(message: str) -> ClientError:
    return ClientError(SERVICE + "BackupInUseException", message)


def too_many_restores(most: int) -> ClientError:
    return limit_exceeded(f"Only {most} restore operations can be in progress at a time")


def policy_not_found(arn: str) -> ClientError:
    return ClientError(
        SERVICE + "PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {arn}"
    )


def table_exists(name: str) -> ClientError:
    return resource_in_use(f"Table already exists: {name}")


def resource_in_use(message: str) -> ClientError:
    return ClientError(SERVICE + "ResourceInUseException", message)


def limit_exceeded(message: str) -> ClientError:
    return ClientError(SERVICE + "LimitExceededException", message)


def _subscriber_limit(sentence: str) -> ClientError:
    return limit_exceeded(f"Subscriber limit exceeded: {sentence}")


def too_many_tables(most: int) -> ClientError:
    return _subscriber_limit(f"There is a limit of {most} tables per subscriber")


def too_many_control_operations(most: int) -> ClientError:
    return _subscriber_limit(f"Only {most} tables can be created, updated, or deleted simultaneously")


def too_many_decreases(count: int, pause_seconds: int, free: int, last: str, next: str) -> ClientError:
    """`last`, `next`: when capacity was lowered, and when it may be again, as AWS writes it."""
    return _subscriber_limit(
        f"Provisioned throughput decreases are limited within a given UTC day. After the first {free} decreases, each "
        f"subsequent decrease in the same UTC day can be performed at most once every {pause_seconds} seconds. Number "
        f"of decreases today: {count}. Last decrease at {last}. Next decrease can be made at {next}"
    )


def too_many_units(way: str, most: int, whose: str) -> ClientError:
    """`way`: read or write. In words of our own, after those of other quotas."""
    return _subscriber_limit(f"There is a limit of {most} provisioned {way} capacity units per {whose}")


def too_many_switches(most: int, days: int, last: str, next: str) -> ClientError:
    """From provisioned to on demand. `last`, `next`: when it was switched, and when it may be again."""
    times = f"Last update at {last}. Next update can be made at {next}"
    return _subscriber_limit(f"Update to PayPerRequest mode are limited to {most} times in {days} day(s). {times}")


def too_many_class_changes(most: int, days: int) -> ClientError:
    return _subscriber_limit(f"Updates to TableClass are limited to {most} times in {days} day(s).")


def throttling(message: str) -> ClientError:
    """To be asked again after a while, which SDKs do by themselves."""
    return ClientError(SERVICE + "ThrottlingException", message)


def overloaded() -> ClientError:
    """Ours alone: of an update that finds no room among those that wait."""
    return throttling("More requests wait for the store than it takes. Try again.")


class Throttled(ClientError):
    """A refusal by a limit of throughput. `reason` is one of AWS's sixteen, `resource` the ARN of what is out of units;
    `part_code`: what it is called as the failure of a part of a transaction, `statement_code` of a batch's statement.
    `note`: to be told of the operation, where it refuses only a part of a request.
    """

    __slots__ = ("note", "part_code", "reason", "resource", "statement_code")

    def __init__(
        self, name: str, message: str, part_code: str, statement_code: str, reasons_member: str, reason: str, arn: str
    ) -> None:
        super().__init__(SERVICE + name, message, members={reasons_member: [{"reason": reason, "resource": arn}]})
        self.note: Callable[[str], None] | None = None
        self.part_code = part_code
        self.statement_code = statement_code
        self.reason = reason
        self.resource = arn


def conditional_check_failed(item: Any = None) -> ClientError:
    """`item`: the stored item, where the request asked for it with ReturnValuesOnConditionCheckFailure ALL_OLD."""
    members = None if item is None else {"Item": item}
    return ClientError(SERVICE + "ConditionalCheckFailedException", "The conditional request failed", members=members)


def transaction_canceled(reasons: list[dict[str, Any]]) -> ClientError:
    """`reasons`: one a request item, in order: {"Code": "None"} or {"Code", "Message", "Item"}."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    return ClientError(
        SERVICE + "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        members={"CancellationReasons": reasons},
        message_member="Message",
    )


def idempotent_parameter_mismatch() -> ClientError:
    return ClientError(
        SERVICE + "IdempotentParameterMismatchException",
        "The parameters for the request do not match those of the original request with the same client token.",
        message_member="Message",
    )


def stream_not_found(arn: str) -> ClientError:
    return resource_not_found(f"Requested resource not found: Stream: {arn} not found")


def shard_not_found() -> ClientError:
    return resource_not_found("Requested resource not found: Shard does not exist")


def expired_iterator() -> ClientError:
    return ClientError(SERVICE + "ExpiredIteratorException", "The provided iterator exceeds the maximum age allowed.")


def trimmed_data_access() -> ClientError:
    return ClientError(SERVICE + "TrimmedDataAccessException", "The data you are trying to access has been trimmed.")


def transaction_conflict() -> ClientError:
    return ClientError(SERVICE + "TransactionConflictException", "Transaction is ongoing for the item")


def transaction_in_progress() -> ClientError:
    return ClientError(
        SERVICE + "TransactionInProgressException",
        "The transaction with the given request token is already in progress.",
        message_member="Message",
    )
