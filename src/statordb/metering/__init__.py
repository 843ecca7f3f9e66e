"""What is used of tables, what that costs, and what is told of it. Pure."""
