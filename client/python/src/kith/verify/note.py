"""Signed notes (c2sp.org/signed-note) and the keys that sign them (Ed25519).

A note is a text, an empty line, and a line for each signature. What was parsed is written back byte for byte.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kith.errors import NotVerified

NOTE_BYTES_MAX = 128 * 1024
_NAME_BYTES_MAX = 256
_MARK = "\u2014 "
"""What a signature line begins with."""
_ED25519 = b"\x01"
"""Type of Ed25519 signatures in signed notes."""
_KEY_ID_BYTES = 4
_SIGNATURE_BYTES = 64
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NOT_IN_NAMES = re.compile(r"[\s+\x00-\x1f\x7f-\x9f]")
_VERIFIER_KEY = re.compile(r"([^+]*)\+([^+]*)\+(.*)", re.DOTALL)

_FIELD = 2**255 - 19
_D = -121665 * pow(121666, -1, _FIELD) % _FIELD
"""The curve of Ed25519: -x² + y² = 1 + d·x²·y² over the numbers below `_FIELD`."""


@dataclass(frozen=True, slots=True)
class _Signature:
    """One line below a note. Only those who know the key can interpret its bytes."""

    name: str
    key_id: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text with at least one signature. What it says counts only after `verify`."""

    text: str
    signatures: tuple[_Signature, ...] = field(repr=False)

    @classmethod
    def parse(cls, note: str) -> "Note":
        """Reads a signed note. No signature is checked yet; raises `NotVerified`."""
        if len(encoded(note)) > NOTE_BYTES_MAX:
            raise NotVerified(f"a signed note has at most {NOTE_BYTES_MAX} bytes")
        if _CONTROL.search(note):
            raise _malformed("it contains control characters")
        text, separator, lines = note.rpartition("\n\n")
        if not separator:
            raise _malformed("no empty line separates the signatures")
        if not lines.endswith("\n"):
            raise _malformed("its last line is cut short")
        return cls(f"{text}\n", tuple(_parse_signature(line) for line in lines[:-1].split("\n")))

    def verify(self, key: "VerifierKey") -> None:
        """Checks that a key signed the text; raises `NotVerified`.

        Signatures of other keys are ignored; a wrong one of this key is an error.
        """
        own = [signature for signature in self.signatures if key.is_named_by(signature)]
        if not own:
            raise NotVerified(f"not signed by the key of {key.origin}")
        if not all(key.signed(self.text, signature) for signature in own):
            raise NotVerified("the signature is wrong: the text or the signature was changed")

    def signed_by(self, key: "VerifierKey") -> "Note":
        """The note with this key's signatures alone."""
        return Note(self.text, tuple(one for one in self.signatures if key.is_named_by(one)))

    def __str__(self) -> str:
        lines = [f"{_MARK}{one.name} {to_base64(one.key_id + one.data)}\n" for one in self.signatures]
        return f"{self.text}\n{''.join(lines)}"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public key of a log, as auditors keep it: `ORIGIN+ID+KEY`, where ID is 8 digits that follow from the rest."""

    origin: str
    """The log whose checkpoints it verifies: `kith/NETWORK/INCARNATION`."""
    public_key: bytes
    """The key without the log's name, 32 bytes: all logs of a server have the same."""

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Reads a key; weak ones, and an id that belongs to another name or key, raise `NotVerified`."""
        parts = _VERIFIER_KEY.fullmatch(text)
        origin, given, packed = parts.groups() if parts else ("", "", "")
        typed = from_base64(packed)
        if not is_origin(origin) or not typed:
            raise NotVerified(
                "a verifier key has the form NAME+ID+KEY: a name without spaces, 8 hexadecimal digits, and base64"
            )
        if typed[:1] != _ED25519 or not _is_strong(typed[1:]):
            raise NotVerified("the key is not an Ed25519 key")
        key = cls(origin, typed[1:])
        if given != key.id.hex():
            raise NotVerified("the id does not belong to this name and key: the text was changed")
        return key

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key)."""
        return sha256(encoded(f"{self.origin}\n") + _ED25519 + self.public_key).digest()[:_KEY_ID_BYTES]

    def is_named_by(self, signature: _Signature) -> bool:
        """Whether a signature names this key."""
        return (signature.name, signature.key_id) == (self.origin, self.id)

    def signed(self, text: str, signature: _Signature) -> bool:
        """Whether a signature over a text is this key's."""
        data = signature.data
        if len(data) != _SIGNATURE_BYTES or not _is_strong(data[:32]):
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(data, encoded(text))
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return f"{self.origin}+{self.id.hex()}+{to_base64(_ED25519 + self.public_key)}"


def _parse_signature(line: str) -> _Signature:
    name, _, packed = line.removeprefix(_MARK).partition(" ")
    data = from_base64(packed)
    if not line.startswith(_MARK) or not is_key_name(name) or data is None or len(data) <= _KEY_ID_BYTES:
        raise _malformed("a signature line is malformed")
    return _Signature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _is_strong(data: bytes) -> bool:
    """Whether bytes are a point of the curve in its one spelling, and not of small order."""
    if len(data) != 32:
        return False
    y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    x = _x_of(y)
    if y >= _FIELD or x is None or (x == 0 and sign):
        return False
    for _ in range(3):  # eight times a point of small order is the neutral one
        x, y = _doubled(x, y)
    return (x, y) != (0, 1)


def _x_of(y: int) -> int | None:
    """One of the two x of a point; `None` if there is none."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _FIELD) % _FIELD
    x = pow(square, (_FIELD + 3) // 8, _FIELD)
    if (x * x - square) % _FIELD:
        x = x * pow(2, (_FIELD - 1) // 4, _FIELD) % _FIELD
    return x if (x * x - square) % _FIELD == 0 else None


def _doubled(x: int, y: int) -> tuple[int, int]:
    product = _D * x * x * y * y
    twice_x = 2 * x * y * pow(1 + product, -1, _FIELD)
    twice_y = (y * y + x * x) * pow(1 - product, -1, _FIELD)
    return twice_x % _FIELD, twice_y % _FIELD


def is_key_name(text: str) -> bool:
    """Whether a text can name a key in a signed note."""
    return text != "" and not _NOT_IN_NAMES.search(text)


def is_origin(text: str) -> bool:
    """Whether a text can name a log."""
    return is_key_name(text) and len(encoded(text)) <= _NAME_BYTES_MAX


def to_base64(data: bytes) -> str:
    """Base64 of RFC 4648, section 4, with padding."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes | None:
    """Undoes `to_base64`; `None` for every other spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if to_base64(data) == text else None


def encoded(text: str) -> bytes:
    """UTF-8; halves of characters, which no file has, become something that no text has."""
    return text.encode(errors="surrogatepass")


def _malformed(what: str) -> NotVerified:
    return NotVerified(f"not a signed note: {what}")
