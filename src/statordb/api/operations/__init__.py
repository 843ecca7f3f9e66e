"""The operations, one file each; this is the one table of them."""

from collections.abc import Callable, Coroutine
from typing import Any

from statordb.api.context import Answer, Context, Request, Usual
from statordb.api.operations.batch_execute_statement import batch_execute_statement
from statordb.api.operations.batch_get_item import batch_get_item
from statordb.api.operations.batch_write_item import batch_write_item, usual_batch_write_item
from statordb.api.operations.cancel_bulk_operation import cancel_bulk_operation
from statordb.api.operations.create_backup import create_backup
from statordb.api.operations.create_table import create_table
from statordb.api.operations.delete_backup import delete_backup
from statordb.api.operations.delete_item import delete_item
from statordb.api.operations.delete_resource_policy import delete_resource_policy
from statordb.api.operations.delete_table import delete_table
from statordb.api.operations.describe_backup import describe_backup
from statordb.api.operations.describe_bulk_operation import describe_bulk_operation
from statordb.api.operations.describe_continuous_backups import describe_continuous_backups
from statordb.api.operations.describe_contributor_insights import describe_contributor_insights
from statordb.api.operations.describe_endpoints import describe_endpoints
from statordb.api.operations.describe_export import describe_export
from statordb.api.operations.describe_import import describe_import
from statordb.api.operations.describe_kinesis_streaming_destination import describe_kinesis_streaming_destination
from statordb.api.operations.describe_limits import describe_limits
from statordb.api.operations.describe_stream import describe_stream
from statordb.api.operations.describe_table import describe_table
from statordb.api.operations.describe_table_replica_auto_scaling import describe_table_replica_auto_scaling
from statordb.api.operations.describe_time_to_live import describe_time_to_live
from statordb.api.operations.disable_kinesis_streaming_destination import disable_kinesis_streaming_destination
from statordb.api.operations.enable_kinesis_streaming_destination import enable_kinesis_streaming_destination
from statordb.api.operations.execute_statement import execute_statement
from statordb.api.operations.execute_transaction import execute_transaction
from statordb.api.operations.export_table_to_point_in_time import export_table_to_point_in_time
from statordb.api.operations.get_item import get_item, usual_get_item
from statordb.api.operations.get_records import get_records
from statordb.api.operations.get_resource_policy import get_resource_policy
from statordb.api.operations.get_shard_iterator import get_shard_iterator
from statordb.api.operations.import_table import import_table
from statordb.api.operations.list_backups import list_backups
from statordb.api.operations.list_bulk_operations import list_bulk_operations
from statordb.api.operations.list_contributor_insights import list_contributor_insights
from statordb.api.operations.list_exports import list_exports
from statordb.api.operations.list_global_tables import list_global_tables
from statordb.api.operations.list_imports import list_imports
from statordb.api.operations.list_streams import list_streams
from statordb.api.operations.list_tables import list_tables
from statordb.api.operations.list_tags_of_resource import list_tags_of_resource
from statordb.api.operations.put_item import put_item, usual_put_item
from statordb.api.operations.put_resource_policy import put_resource_policy
from statordb.api.operations.query import query, usual_query
from statordb.api.operations.restore_table_from_backup import restore_table_from_backup
from statordb.api.operations.restore_table_to_point_in_time import restore_table_to_point_in_time
from statordb.api.operations.scan import scan
from statordb.api.operations.start_bulk_put_items import start_bulk_put_items
from statordb.api.operations.tag_resource import tag_resource
from statordb.api.operations.transact_get_items import transact_get_items
from statordb.api.operations.transact_write_items import transact_write_items
from statordb.api.operations.untag_resource import untag_resource
from statordb.api.operations.update_continuous_backups import update_continuous_backups
from statordb.api.operations.update_contributor_insights import update_contributor_insights
from statordb.api.operations.update_item import update_item, usual_update_item
from statordb.api.operations.update_kinesis_streaming_destination import update_kinesis_streaming_destination
from statordb.api.operations.update_table import update_table
from statordb.api.operations.update_table_replica_auto_scaling import update_table_replica_auto_scaling
from statordb.api.operations.update_time_to_live import update_time_to_live
from statordb.api.usual_statements import usual_execute_statement

OPERATIONS: dict[str, Callable[[Context, Request], Coroutine[Any, Any, Answer]]] = {
    "BatchExecuteStatement": batch_execute_statement,
    "BatchGetItem": batch_get_item,
    "BatchWriteItem": batch_write_item,
    "CancelBulkOperation": cancel_bulk_operation,
    "CreateBackup": create_backup,
    "CreateTable": create_table,
    "DeleteBackup": delete_backup,
    "DeleteItem": delete_item,
    "DeleteResourcePolicy": delete_resource_policy,
    "DeleteTable": delete_table,
    "DescribeBackup": describe_backup,
    "DescribeBulkOperation": describe_bulk_operation,
    "DescribeContinuousBackups": describe_continuous_backups,
    "DescribeContributorInsights": describe_contributor_insights,
    "DescribeEndpoints": describe_endpoints,
    "DescribeExport": describe_export,
    "DescribeImport": describe_import,
    "DescribeKinesisStreamingDestination": describe_kinesis_streaming_destination,
    "DescribeLimits": describe_limits,
    "DescribeStream": describe_stream,
    "DescribeTable": describe_table,
    "DescribeTableReplicaAutoScaling": describe_table_replica_auto_scaling,
    "DescribeTimeToLive": describe_time_to_live,
    "DisableKinesisStreamingDestination": disable_kinesis_streaming_destination,
    "EnableKinesisStreamingDestination": enable_kinesis_streaming_destination,
    "ExecuteStatement": execute_statement,
    "ExecuteTransaction": execute_transaction,
    "ExportTableToPointInTime": export_table_to_point_in_time,
    "GetItem": get_item,
    "GetRecords": get_records,
    "GetResourcePolicy": get_resource_policy,
    "GetShardIterator": get_shard_iterator,
    "ImportTable": import_table,
    "ListBackups": list_backups,
    "ListBulkOperations": list_bulk_operations,
    "ListContributorInsights": list_contributor_insights,
    "ListExports": list_exports,
    "ListGlobalTables": list_global_tables,
    "ListImports": list_imports,
    "ListStreams": list_streams,
    "ListTables": list_tables,
    "ListTagsOfResource": list_tags_of_resource,
    "PutItem": put_item,
    "PutResourcePolicy": put_resource_policy,
    "Query": query,
    "RestoreTableFromBackup": restore_table_from_backup,
    "RestoreTableToPointInTime": restore_table_to_point_in_time,
    "Scan": scan,
    "StartBulkPutItems": start_bulk_put_items,
    "TagResource": tag_resource,
    "TransactGetItems": transact_get_items,
    "TransactWriteItems": transact_write_items,
    "UntagResource": untag_resource,
    "UpdateContinuousBackups": update_continuous_backups,
    "UpdateContributorInsights": update_contributor_insights,
    "UpdateItem": update_item,
    "UpdateKinesisStreamingDestination": update_kinesis_streaming_destination,
    "UpdateTable": update_table,
    "UpdateTableReplicaAutoScaling": update_table_replica_auto_scaling,
    "UpdateTimeToLive": update_time_to_live,
}

# From a parsed body whose shape was not checked yet, and the request's source, to the answer or the coroutine of it
# where the request is of the usual form; None where it needs the full checks. The context is the principal's alone.
SHORTCUTS: dict[str, Callable[[Context, Any, object], Usual]] = {
    "BatchWriteItem": usual_batch_write_item,
    "ExecuteStatement": usual_execute_statement,
    "GetItem": usual_get_item,
    "PutItem": usual_put_item,
    "Query": usual_query,
    "UpdateItem": usual_update_item,
}
