"""How Cassandra is asked, and what lies where: the session, statements on rows, the keyspace's tables, reads. Knows
nothing of other processes."""
