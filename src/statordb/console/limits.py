"""What the console takes and keeps at most."""

FORM_BYTES_MAX = 8 * 1024 * 1024  # an item of 400 KB twice, each byte as %XX, with room for JSON's own marks
FORM_FIELDS_MAX = 4000
BODY_SECONDS_MAX = 30.0  # for a form to arrive
TARGET_BYTES_MAX = 16 * 1024  # of a path with its query
CONNECTIONS_MAX = 256
SESSIONS_MAX = 256
SESSION_IDLE_SECONDS = 30 * 60.0
SESSION_SECONDS = 12 * 3600.0
SIGN_INS_A_MINUTE_MAX = 30  # that fail, of all who try
CLIENTS_MAX = 64  # one for each service, key and region
CALLS_MAX = 8  # at a time
CALL_SECONDS = 60.0
TABLES_SHOWN_MAX = 500
PAGE_ITEMS = 50
PAGE_ITEMS_MAX = 500
CELL_CHARACTERS = 80  # of a value in a list
COLUMNS_MAX = 12
TAIL_RECORDS_MAX = 100  # of one look at a stream
TAIL_SHARDS_MAX = 16
EMPTY_SECONDS = 600.0  # the process ends when nobody has been signed in for so long
