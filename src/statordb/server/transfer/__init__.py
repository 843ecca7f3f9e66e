"""`statordb export` and `statordb import`: a table to a file and back, over DynamoDB's API of any server."""
