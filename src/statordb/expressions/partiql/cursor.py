"""Where a parser stands in a statement."""

from hashlib import blake2b

from statordb.expressions.partiql import tokens
from statordb.expressions.partiql.tokens import KEYWORDS, Token
from statordb.model import errors
from statordb.model.errors import ClientError

_DIGEST_BYTES = 16


class Cursor:
    """The tokens of one statement, and the next of them; `kind` is its kind."""

    __slots__ = ("_position", "_tokens", "kind", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokens.tokens(text)
        self._position = 0
        self.kind = self._tokens[0].kind

    @property
    def token(self) -> Token:
        return self._tokens[self._position]

    @property
    def following(self) -> str:
        """The kind of the token behind the next one."""
        return self._tokens[min(self._position + 1, len(self._tokens) - 1)].kind

    def advance(self) -> str:
        """Go to the next token; returns the text of the one left."""
        text = self._tokens[self._position].text
        self._position += 1
        self.kind = self._tokens[self._position].kind
        return text

    def accept(self, kind: str) -> bool:
        """`advance` over a token of that kind, if it stands here."""
        if self.kind != kind:
            return False
        self.advance()
        return True

    def accept_word(self, word: str) -> bool:
        """The same for a word that is an identifier elsewhere, in upper case."""
        if self.kind != tokens.NAME or self.token.text.upper() != word:
            return False
        self.advance()
        return True

    def expect(self, kind: str) -> str:
        """`advance` over a token of that kind; raises ValidationException for any other."""
        if self.kind != kind:
            raise self.unexpected()
        return self.advance()

    def is_identifier(self) -> bool:
        return self.kind == tokens.NAME or self.kind == tokens.QUOTED

    def is_reserved(self) -> bool:
        """Whether a word stands here that would have to be quoted to be a name."""
        return self.kind == tokens.NAME and self.token.text.upper() in tokens.RESERVED

    def is_sign_of_a_term(self) -> bool:
        """Whether a sign stands here that belongs to no number."""
        return self.kind in ("+", "-") and self.following != tokens.NUMBER

    def calls(self) -> bool:
        """Whether a function's name stands here, with its parenthesis behind it."""
        return self.kind == tokens.NAME and self.following == "("

    def unexpected(self) -> ClientError:
        """The fault of a token where a term should stand."""
        return errors.ill_formed_statement("Unexpected keyword" if self._is_keyword() else "Unexpected term")

    def _is_keyword(self) -> bool:
        return self.kind in KEYWORDS or self.is_reserved()

    def left_over(self) -> ClientError:
        """The fault of a token behind what could be the end."""
        return errors.ill_formed_statement("Unexpected token after expression")

    def place(self, token: Token | None = None) -> str:
        """Line, column and length of a token, the next one unless another is given, as AWS's texts have them."""
        token = token or self.token
        before = self.text[: token.start]
        line_start = before.rfind("\n") + 1
        return f"{before.count(chr(10)) + 1}:{token.start - line_start + 1}:{token.end - token.start}"

    def digest_since(self, position: int) -> bytes:
        """Of the tokens from one on to here, whatever stands between them and however words are written."""
        words = [
            f"{kind}\1" if kind in KEYWORDS else f"{kind}\1{text}"
            for kind, text, _, _ in self._tokens[position : self._position]
        ]
        return blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()

    @property
    def position(self) -> int:
        return self._position
