"""What an update owes to other partitions: noted before it is written, relayed after, recovered when its process has
died; and the change logs, to which some of it goes."""
