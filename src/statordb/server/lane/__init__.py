"""The heavy lane: processes of their own that answer what would hold up others in a worker."""
