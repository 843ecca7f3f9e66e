"""Updates and snapshots over several partitions: marks on rows, the ledger of outcomes, and what follows a decision."""
