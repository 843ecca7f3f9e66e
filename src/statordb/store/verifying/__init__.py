"""Whether a store's rows are what was written: each of them can be opened, and those agree that tell of one item."""
