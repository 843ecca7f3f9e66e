"""What is wrong with an expression, before it is known in which parameter it stood."""


class Fault(Exception):
    """A fault of an expression's text, names or values; the text is AWS's, without "Invalid ConditionExpression: "
    before it.
    """

    __slots__ = ("message",)

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
