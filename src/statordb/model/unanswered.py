"""What a store that does not answer is called, by all who meet it."""


class Unanswered(Exception):
    """An engine got no good answer of those who have the rows, for as long as it asks: nodes are away, or a table is
    being made or dropped. It may be asked for again."""
