"""StatorDB: a database server that speaks Amazon DynamoDB's API."""

__version__ = "0.1.0"
