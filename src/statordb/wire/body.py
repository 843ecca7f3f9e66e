"""The body of the request that is coming in on a connection."""

from statordb.model.limits import OPEN_BODY_BYTES_MAX
from statordb.wire.admission import TOO_MUCH, Admission, Headers, LargeBody, Refusal


class Body:
    """One for all requests of a connection, one after the other. Small bodies are joined, large ones grow in place.

    size    how much has come of the one that is not complete yet.
    digest  of the last that was complete, if it was hashed as it came: the SHA-256 in hexadecimal.
    """

    __slots__ = ("_admission", "_chunks", "_counted", "_large", "digest", "size")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._chunks: list[bytes] = []
        self._large: LargeBody | None = None  # takes the bytes in place of _chunks
        self._counted = 0  # how much counts as held
        self.size = 0
        self.digest: bytes | None = None

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if self._large is None:
            self._chunks.append(data)
        else:
            self._large.add(data)

    def admit(self, url: bytes, head: Headers, size: int) -> Refusal | None:
        """Why a body that has, or will have, `size` bytes may not come on; None if it may."""
        large = self._large
        if large is None:
            if size <= OPEN_BODY_BYTES_MAX:
                return None
            judged = self._admission.open(url, head, size)
            if not isinstance(judged, LargeBody):
                return judged
            large = self._large = judged
            for chunk in self._chunks:
                large.add(chunk)
            self._chunks = []
        else:
            refusal = self._admission.refusal(large, url, head, size)
            if refusal is not None:
                return refusal
        return self._admission.place(large)

    def hold(self, url: bytes, head: Headers) -> Refusal | None:
        """Count what has come of an incomplete one as held. Returns why it may not come on, if so."""
        refusal = self.admit(url, head, self.size)
        if refusal is None and self._large is None and self._admission.is_crowded:
            refusal = TOO_MUCH
        if refusal is None:
            self._admission.held_bytes += self.size - self._counted
            self._counted = self.size
        return refusal

    def complete(self) -> bytes:
        """The whole of it, which does not count as held any more. What comes from here on is of the next one."""
        large = self._large
        self.size = 0
        if large is None:
            chunks = self._chunks
            self._chunks = []
            self.digest = None
            if self._counted:
                self.forget()
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self.digest = large.digest
        self.forget()
        return large.data  # type: ignore[return-value]  # whoever reads a body reads this too

    def forget(self) -> None:
        """It is complete, or never will be."""
        self._admission.held_bytes -= self._counted
        self._counted = 0
        self._chunks = []
        if self._large is not None:
            self._admission.leave(self._large)
            self._large = None
