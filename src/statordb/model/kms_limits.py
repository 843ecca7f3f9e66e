"""Every maximum of KMS's API and its keys, with its unit in its name.

Source where not said: AWS Key Management Service developer guide, "Quotas", and the API reference.
"""

PLAINTEXT_BYTES_MAX = 4096
CIPHERTEXT_BYTES_MAX = 6144
CONTEXT_BYTES_MAX = 8192  # names and values of an encryption context together
POLICY_BYTES_MAX = 32 * 1024
TAGS_PER_KEY_MAX = 50
ALIASES_PER_KEY_MAX = 50
ALIAS_CHARACTERS_MAX = 256
GRANTS_PER_KEY_MAX = 2500  # AWS allows 50,000: all of a key are looked at when one is made
GRANT_TOKEN_CHARACTERS_MAX = 512  # of our own
ON_DEMAND_ROTATIONS_MAX = 25  # of one key
KEY_CHANGES_A_DAY_MAX = 4  # of one table, in any 24 hours (DynamoDB developer guide, "Encryption at rest: usage notes")
KEY_CHANGES_PAUSE_SECONDS = 6 * 3600  # behind which there may be one more, from the same page
