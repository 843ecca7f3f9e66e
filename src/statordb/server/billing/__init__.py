"""The bill: by the command `statordb bill`, and on the admin port."""
