"""Updates and snapshots over several partitions: marks on rows, the verdicts, and what follows a decision."""
