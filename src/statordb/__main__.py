"""`python -m statordb`."""

import sys

from statordb.server.main import main

sys.exit(main())
