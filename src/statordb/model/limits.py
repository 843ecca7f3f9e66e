"""Every maximum and minimum that the server keeps, with its unit in its name.

Source where not said: Amazon DynamoDB developer guide, "Quotas in Amazon DynamoDB" and "Constraints in Amazon
DynamoDB".
"""

KIB = 1024
MIB = 1024 * KIB

# Wire
REQUEST_BYTES_MAX = 16 * MIB  # of batches, transactions and several statements
ITEM_REQUEST_BYTES_MAX = 8 * MIB  # of one item, or one expression: 2.4 MB of content, several bytes of JSON for each
KEY_REQUEST_BYTES_MAX = 4 * MIB  # of GetItem, where 2 MB of names are most of it
CONTROL_REQUEST_BYTES_MAX = MIB  # of all others
OPEN_BODY_BYTES_MAX = 64 * KIB  # of a body that is read before it is known who sends it
PRECHECKED_BYTES_MAX = 16 * KIB  # of a body that is parsed to name its fault before that of its signature
HELD_BODIES_BYTES_MAX = 256 * MIB  # of requests of one worker that are incomplete, or wait for their answer
WAITING_BODIES_BYTES_MAX = 16 * MIB  # of one connection's requests that wait for their answer, before no more is read
WAITING_ANSWERS_BYTES_MAX = 4 * MIB  # of one connection's answers that wait, before no further request is begun
UNPACKED_INLINE_BYTES_MAX = 64 * KIB  # of a body that is unpacked where it came in
UNPACKED_MEMBERS_MAX = 16  # of a gzip body
UNPACKED_RATIO_MAX = 100  # unpacked by packed bytes
UNPACKED_RATIO_BYTES_MIN = 8 * MIB  # up to which any ratio is taken: items of one letter pack 1,000 to one
HEADER_BYTES_MAX = 16 * KIB  # what AWS takes
HEADERS_MAX = 200
URL_BYTES_MAX = 16 * KIB
PIPELINE_REQUESTS_MAX = 64  # requests of one connection that are read before the first is answered
CLOCK_SKEW_SECONDS_MAX = 15 * 60
PRESIGN_EXPIRES_SECONDS_MAX = 7 * 24 * 3600

QUOTED_CHARACTERS_MAX = 1024  # of a value that an error's text tells
ERROR_TEXT_CHARACTERS_MAX = 16 * KIB  # of a whole error's text, which may tell ten faults

# Items and values
ITEM_BYTES_MAX = 400 * KIB
NESTING_DEPTH_MAX = 32
FURTHER_NESTING_MAX = 8  # levels of values that are only compared with
TABLE_KEY_ATTRIBUTES_MAX = 2
PARTITION_KEY_BYTES_MAX = 2048
SORT_KEY_BYTES_MAX = 1024
ATTRIBUTE_NAME_BYTES_MAX = 64 * KIB - 1
NUMBER_DIGITS_MAX = 38
NUMBER_EXPONENT_MAX = 125  # of the first digit: 9.99E+125
NUMBER_EXPONENT_MIN = -130

# Expressions
EXPRESSION_BYTES_MAX = 4096
EXPRESSION_OPERATORS_MAX = 300
EXPRESSION_IN_OPERANDS_MAX = 100
EXPRESSION_PATH_ELEMENTS_MAX = 32
EXPRESSION_PLACEHOLDERS_MAX = 4096  # names, and values: no more can be named in the texts of one request
EXPRESSION_PLACEHOLDERS_BYTES_MAX = 2 * MIB  # names and values together
STATEMENT_NESTING_MAX = 100  # parentheses within parentheses of a WHERE
STATEMENT_PARTITIONS_MAX = 50  # partition keys that IN of a SELECT may name
LEGACY_CONDITIONS_MAX = 300  # of Expected, QueryFilter, ScanFilter, KeyConditions or AttributeUpdates; as operators
LEGACY_VALUES_BYTES_MAX = 2 * MIB  # of all values of such a parameter
ATTRIBUTES_TO_GET_MAX = 4096

# Reading and writing
PAGE_BYTES_MAX = 1 * MIB
BATCH_GET_KEYS_MAX = 100
BATCH_GET_BYTES_MAX = 16 * MIB
BATCH_WRITE_REQUESTS_MAX = 25
TRANSACT_BYTES_MAX = 4 * MIB
TRANSACT_TOKEN_SECONDS = 10 * 60

# Work (model/budget.py); a unit is a member compared or copied, about 100 ns on a slow machine
INLINE_UNITS_MAX = 20_000  # what a worker does of a request before others have their turn: about 2 ms
LANE_UNITS_MAX = 50_000_000  # what a request may do at all: about 5 s
ASKING_UNITS_MAX = 100_000  # what conditions of policies ask of one call of an API without lanes: 10 ms in one go
LANE_REQUESTS_MAX = 64  # of one worker that wait for a lane, or are being answered there
LANE_BODIES_BYTES_MAX = 64 * MIB  # of those requests
LANE_WAIT_SECONDS_MAX = 30  # that a request waits for a lane; clients give up after 60
UNIT_BYTES = 128  # of a text that is searched, packed or parsed: one unit
WEIGHED_MEMBER_UNITS = 4  # for each comma and opening bracket of a JSON text; a member has about two
EXPRESSION_PARSE_UNITS = 2  # for each character of an expression that was not seen before
EXPRESSION_COMPILE_UNITS = 2  # the same, and of one whose #names mean something new
EXPRESSION_CHECK_UNITS = 1  # of one whose values have to be checked in full
UNWEIGHED_BYTES_MAX = 16 * KIB  # JSON texts up to this size are not weighed before they are parsed

# Tables
LOCAL_INDEXES_MAX = 5
GLOBAL_INDEXES_MAX = 20
INDEX_PARTITION_ATTRIBUTES_MAX = 4
INDEX_SORT_ATTRIBUTES_MAX = 4
PROJECTED_ATTRIBUTES_MAX = 100
TAGS_PER_RESOURCE_MAX = 50
TAG_KEY_CHARACTERS_MAX = 128
TAG_VALUE_CHARACTERS_MAX = 256
LIST_TABLES_MAX = 100

TABLES_MAX = 2500  # of an account in a region
CONTROL_OPERATIONS_MAX = 500  # tables of these that are created, updated or deleted at a time

READ_UNIT_BYTES = 4 * KIB
WRITE_UNIT_BYTES = 1 * KIB
ACCOUNT_READ_CAPACITY_MAX = 80_000
ACCOUNT_WRITE_CAPACITY_MAX = 80_000
TABLE_READ_CAPACITY_MAX = 40_000
TABLE_WRITE_CAPACITY_MAX = 40_000

# Caches of compiled text
EXPRESSION_CACHE_ENTRIES_MAX = 4096
EXPRESSION_CACHE_CHARACTERS_MAX = MIB  # of text, for each form of expression
EXPRESSION_PLANS_PER_TEXT_MAX = 16  # meanings of a text's #names
STATEMENT_CACHE_ENTRIES_MAX = 4096  # PartiQL statements
STATEMENT_CACHE_CHARACTERS_MAX = MIB

EXPRESSION_PLACEHOLDER_BYTES_MAX = 255  # of #name or :value, with its first character

# Streams
LIST_STREAMS_MAX = 100
DESCRIBE_STREAM_SHARDS_MAX = 100
GET_RECORDS_MAX = 1000
GET_RECORDS_BYTES_MAX = MIB
SHARD_ITERATOR_SECONDS = 15 * 60
SHARD_TELLERS_MAX = 256  # shards for which the fixed parts of records are kept ready

# Event patterns
EVENT_PATTERN_DEPTH_MAX = 100  # objects within objects
EVENT_PATTERN_CACHE_ENTRIES_MAX = 1024  # compiled patterns, each of at most 4,096 characters

# Kinesis data streams as destinations
KINESIS_CALL_RECORDS_MAX = 500  # Kinesis API reference, PutRecords
KINESIS_CALL_BYTES_MAX = 5 * MIB
KINESIS_RECORD_BYTES_MAX = MIB  # data and partition key
LOG_REPLACEMENTS_MAX = 200  # of the open shards of a table's log that are still known, sooner than by their age
KINESIS_DESTINATIONS_KEPT_MAX = 10  # of a table, with those that are disabled or failed

# Exports and imports; what AWS sets no limit to is bounded by what an item may be
EXCHANGE_LINE_BYTES_MAX = (
    8 * MIB
)  # of text: 400 KB of {"S":""} in a list are 3.7 MB of JSON, and a record has two images
EXCHANGE_SLICE_BYTES = 16 * KIB  # of text that a reader unpacks in one go
EXCHANGE_RATIO_MAX = 1032  # unpacked by packed bytes: what DEFLATE can at most, which ZSTD is held to
EXCHANGE_WINDOW_BYTES_MAX = 8 * MIB  # of ZSTD, all that RFC 8878 asks decoders to have; up to level 19 needs no more
EXCHANGE_MANIFEST_BYTES_MAX = 64 * MIB  # of manifest-files.json: 300,000 files

# Jobs: imports and bulk operations
LIST_JOBS_MAX = 10  # a page, if the request does not say (aws-controllers-k8s, October 2026, IMPORT-016)
IMPORTS_MAX = 50  # at a time, of an account in a region (developer guide, "Quotas")
BULK_OPERATIONS_MAX = 50  # the same; AWS has a quota too, whose figure is not known here
JOB_OBJECTS_MAX = 50_000  # of one import or bulk operation (developer guide, "Quotas")
JOB_ERRORS_LOGGED_MAX = 10_000  # of one import; it goes on (developer guide, "Import format quotas and validation")
LOADED_BYTES_MAX = 32 * MIB  # of rows that are put in order before a table is filled with them

# Exports
LIST_EXPORTS_MAX = 25  # a page (service model, ListExports)
EXPORTS_MAX = 300  # at a time, of an account in a region (developer guide, "Quotas")
EXPORT_WINDOW_SECONDS_MIN = 15 * 60  # of an incremental export (developer guide, "Requesting a table export")
EXPORT_WINDOW_SECONDS_MAX = 24 * 3600
EXPORT_FILE_BYTES = 64 * MIB  # of items' JSON, behind which an export begins another data file

# Backups
LIST_BACKUPS_MAX = 100
RECOVERY_DAYS_MAX = 35  # for which point-in-time recovery keeps what was, where nobody says otherwise
SYSTEM_BACKUP_DAYS = 35  # for which the backup of a table is kept that was deleted with point-in-time recovery enabled
RESTORES_MAX = 50  # at a time, of an account in a region (API reference, RestoreTableFromBackup)
BACKUP_CHUNK_BYTES_MAX = 4 * MIB  # of rows or entries that are gathered for one object
BACKUP_OVERLAY_BYTES_MAX = 64 * MIB  # of a log's entries that are held at a time while a table is restored
