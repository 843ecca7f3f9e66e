"""The scale-out engine: the storage contract on an Apache Cassandra cluster that any number of servers share."""
