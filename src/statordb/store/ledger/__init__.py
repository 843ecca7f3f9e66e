"""The ledger: what was used, by the minute, for as long as CloudWatch keeps it."""
