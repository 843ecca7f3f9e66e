"""Every maximum of Application Auto Scaling's API, with its unit in its name.

Source: Application Auto Scaling user guide, "Quotas", and the API reference.
"""

TARGETS_PER_REGION_MAX = 5000  # of an account: of DynamoDB's tables and indexes
POLICIES_PER_TARGET_MAX = 50
SCHEDULED_ACTIONS_PER_TARGET_MAX = 200
TAGS_PER_TARGET_MAX = 50
PAGE_MAX = 50
POLICIES_PAGE_MAX = 10
CAPACITY_MIN = 1
TARGET_PERCENT_MIN, TARGET_PERCENT_MAX = 20, 90  # of what is provisioned: DynamoDB's bounds
COOLDOWN_SECONDS_MAX = 2**31 - 1
ACTIVITIES_KEPT_SECONDS = 42 * 24 * 3600  # six weeks
