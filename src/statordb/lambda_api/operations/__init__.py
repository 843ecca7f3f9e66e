"""Every operation of Lambda's API that this server has, by its name in the service model."""

from statordb.lambda_api.context import Operation
from statordb.lambda_api.operations.create_event_source_mapping import create_event_source_mapping
from statordb.lambda_api.operations.create_function import create_function
from statordb.lambda_api.operations.delete_event_source_mapping import delete_event_source_mapping
from statordb.lambda_api.operations.delete_function import delete_function
from statordb.lambda_api.operations.delete_function_concurrency import delete_function_concurrency
from statordb.lambda_api.operations.delete_function_event_invoke_config import delete_function_event_invoke_config
from statordb.lambda_api.operations.get_account_settings import get_account_settings
from statordb.lambda_api.operations.get_alias import get_alias
from statordb.lambda_api.operations.get_event_source_mapping import get_event_source_mapping
from statordb.lambda_api.operations.get_function import get_function
from statordb.lambda_api.operations.get_function_code_signing_config import get_function_code_signing_config
from statordb.lambda_api.operations.get_function_concurrency import get_function_concurrency
from statordb.lambda_api.operations.get_function_configuration import get_function_configuration
from statordb.lambda_api.operations.get_function_event_invoke_config import get_function_event_invoke_config
from statordb.lambda_api.operations.get_function_recursion_config import get_function_recursion_config
from statordb.lambda_api.operations.get_function_url_config import get_function_url_config
from statordb.lambda_api.operations.get_policy import get_policy
from statordb.lambda_api.operations.get_runtime_management_config import get_runtime_management_config
from statordb.lambda_api.operations.invoke import invoke
from statordb.lambda_api.operations.list_aliases import list_aliases
from statordb.lambda_api.operations.list_event_source_mappings import list_event_source_mappings
from statordb.lambda_api.operations.list_function_event_invoke_configs import list_function_event_invoke_configs
from statordb.lambda_api.operations.list_function_url_configs import list_function_url_configs
from statordb.lambda_api.operations.list_functions import list_functions
from statordb.lambda_api.operations.list_provisioned_concurrency_configs import list_provisioned_concurrency_configs
from statordb.lambda_api.operations.list_tags import list_tags
from statordb.lambda_api.operations.list_versions_by_function import list_versions_by_function
from statordb.lambda_api.operations.put_function_concurrency import put_function_concurrency
from statordb.lambda_api.operations.put_function_event_invoke_config import put_function_event_invoke_config
from statordb.lambda_api.operations.tag_resource import tag_resource
from statordb.lambda_api.operations.untag_resource import untag_resource
from statordb.lambda_api.operations.update_event_source_mapping import update_event_source_mapping
from statordb.lambda_api.operations.update_function_code import update_function_code
from statordb.lambda_api.operations.update_function_configuration import update_function_configuration
from statordb.lambda_api.operations.update_function_event_invoke_config import update_function_event_invoke_config

OPERATIONS: dict[str, Operation] = {
    "CreateEventSourceMapping": create_event_source_mapping,
    "CreateFunction": create_function,
    "DeleteEventSourceMapping": delete_event_source_mapping,
    "DeleteFunction": delete_function,
    "DeleteFunctionConcurrency": delete_function_concurrency,
    "DeleteFunctionEventInvokeConfig": delete_function_event_invoke_config,
    "GetAccountSettings": get_account_settings,
    "GetAlias": get_alias,
    "GetEventSourceMapping": get_event_source_mapping,
    "GetFunction": get_function,
    "GetFunctionCodeSigningConfig": get_function_code_signing_config,
    "GetFunctionConcurrency": get_function_concurrency,
    "GetFunctionConfiguration": get_function_configuration,
    "GetFunctionEventInvokeConfig": get_function_event_invoke_config,
    "GetFunctionRecursionConfig": get_function_recursion_config,
    "GetFunctionUrlConfig": get_function_url_config,
    "GetPolicy": get_policy,
    "GetRuntimeManagementConfig": get_runtime_management_config,
    "Invoke": invoke,
    "ListAliases": list_aliases,
    "ListEventSourceMappings": list_event_source_mappings,
    "ListFunctionEventInvokeConfigs": list_function_event_invoke_configs,
    "ListFunctionUrlConfigs": list_function_url_configs,
    "ListFunctions": list_functions,
    "ListProvisionedConcurrencyConfigs": list_provisioned_concurrency_configs,
    "ListTags": list_tags,
    "ListVersionsByFunction": list_versions_by_function,
    "PutFunctionConcurrency": put_function_concurrency,
    "PutFunctionEventInvokeConfig": put_function_event_invoke_config,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateEventSourceMapping": update_event_source_mapping,
    "UpdateFunctionCode": update_function_code,
    "UpdateFunctionConfiguration": update_function_configuration,
    "UpdateFunctionEventInvokeConfig": update_function_event_invoke_config,
}
