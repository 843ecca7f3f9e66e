"""The formats in which tables leave and come in: DynamoDB JSON, Ion, CSV, their packing, and manifests. Pure."""
