"""Every maximum and minimum of Lambda's API that the server keeps, with its unit in its name.

Source where not said: AWS Lambda developer guide, "Lambda quotas", and the API reference of each operation.
"""

from statordb.model.limits import KIB, MIB

# Wire
REST_REQUEST_BYTES_MAX = 70_167_211  # of a deployment package in Base64 and what is around it; AWS names the number
LARGE_REQUESTS_MAX = 4  # bodies above what DynamoDB takes that one worker holds at once

# Functions
FUNCTION_TIMEOUT_SECONDS_MAX = 900
FUNCTION_MEMORY_MB_MIN = 128
FUNCTION_MEMORY_MB_MAX = 10_240
FUNCTION_STORAGE_MB_MAX = 10_240  # of /tmp
FUNCTION_ENVIRONMENT_BYTES_MAX = 4 * KIB
FUNCTION_TAGS_MAX = 50
FUNCTION_PACKAGE_BYTES_MAX = 50 * MIB  # zipped
FUNCTION_CODE_BYTES_MAX = 250 * MIB  # unzipped
FUNCTION_ENTRIES_MAX = 100_000  # of a zip file; Lambda names no number
FUNCTION_ACCOUNT_BYTES_MAX = 75 * 1024 * MIB  # zipped, of all functions of an account and region
FUNCTION_CONCURRENCY_MAX = 1000  # of all functions of an account and region together
FUNCTION_CONCURRENCY_UNRESERVED_MIN = 100
FUNCTIONS_PER_PAGE_MAX = 50

# Invocations
INVOKE_BYTES_MAX = 6 * MIB  # of a payload
INVOKE_ANSWER_BYTES_MAX = 6 * MIB + 100  # with the slack that AWS's error messages name
INVOKE_EVENT_BYTES_MAX = 1 * MIB  # of an asynchronous invocation's payload
INVOKE_CONTEXT_BYTES_MAX = 3583  # of X-Amz-Client-Context in Base64
EVENT_RETRIES_MAX = 2
EVENT_AGE_SECONDS_MAX = 6 * 3600
EVENTS_AT_ONCE_MAX = 10  # waiting events of one function that are run at the same time

# Event source mappings
MAPPING_FILTERS_MAX = 10  # 5, unless AWS is asked for more; developer guide, "Control which events Lambda sends"
MAPPING_RECORD_AGE_SECONDS_MIN = 60
MAPPING_RECORD_AGE_SECONDS_MAX = 604_800
MAPPINGS_PER_PAGE_MAX = 100  # API reference, ListEventSourceMappings
