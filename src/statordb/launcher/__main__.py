"""`python -m statordb.launcher SOCKET FIRST LAST USER`: serves the server that it was started by."""

import socket
import sys

from statordb.launcher.start import serve_starter
from statordb.launcher.users import Users

control, first, last, server = map(int, sys.argv[1:5])
serve_starter(socket.socket(fileno=control), Users(first, last), server)
