"""How much work one request may be."""


class Heavy(Exception):
    """More than may be done in one go here. Nothing has been done yet: the request may begin again elsewhere."""
