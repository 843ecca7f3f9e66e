"""The test kit: a server for tests, and fixtures of pytest. It knows the server by its command and by HTTP alone."""
