"""`statordb` on a slower machine, whose loops may compute as many times longer in one go before they count as standing.

python -m tests.hostile.slower TIMES serve ...
"""

import sys

from statordb.server import heartbeat
from statordb.server.main import main
from statordb.server.stalls import STALL_SECONDS


def run() -> int:
    times = float(sys.argv.pop(1))
    vars(heartbeat)["STALL_SECONDS"] = times * STALL_SECONDS
    return main()


if __name__ == "__main__":
    sys.exit(run())
