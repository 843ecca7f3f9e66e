"""Objects of others, read in a process of its own and handed on as rows of a table."""
