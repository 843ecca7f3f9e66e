"""This process among those that share the keyspace: its number and clock, its lease, the epoch, and what is done when
another one dies. Knows only how to ask Cassandra."""
