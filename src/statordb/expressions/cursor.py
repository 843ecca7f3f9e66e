"""Where a parser stands in a text."""

from statordb.expressions import lexer
from statordb.expressions.faults import Fault


class Cursor:
    """The tokens of one text, and the next of them; `kind` is its kind."""

    __slots__ = ("_position", "_text", "_tokens", "kind")

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = lexer.tokens(text)
        self._position = 0
        self.kind = self._tokens[0].kind

    def advance(self) -> str:
        """Go to the next token; returns the text of the one left."""
        text = self._tokens[self._position].text
        self._position += 1
        self.kind = self._tokens[self._position].kind
        return text

    def expect(self, kind: str) -> str:
        """`advance` over a token of that kind; any other is a Fault."""
        if self.kind != kind:
            raise self.unexpected()
        return self.advance()

    def calls(self) -> bool:
        """Whether a function's name stands here, with its parenthesis behind it."""
        return self.kind == lexer.NAME and self._tokens[self._position + 1].kind == "("

    def unexpected(self) -> Fault:
        return Fault(lexer.syntax_error(self._text, self._tokens, self._position))
