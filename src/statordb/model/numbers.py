"""DynamoDB numbers: 38 significant digits, magnitudes 1E-130 to 9.99E+125, kept as normalised text.

Normalised: plain notation, no exponent, no leading or trailing zeros that say nothing, no "-0" ("1e3" -> "1000",
"1.50" -> "1.5"). Equal numbers have equal texts. Source: developer guide, "Supported data types and naming rules",
Number.
"""

import re
from decimal import Context, Decimal

from statordb.model.errors import ClientError, quoted, validation_as_it_is
from statordb.model.limits import NUMBER_DIGITS_MAX, NUMBER_EXPONENT_MAX, NUMBER_EXPONENT_MIN

_SYNTAX = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)([0-9]+))?", re.ASCII)
_EXPONENT_DIGITS_MAX = 10  # a longer exponent is beyond every limit
# Exact for any two numbers in range: 126 digits before the point, 130 + 37 behind it, and a carry.
_EXACT = Context(prec=300)
_PAIRS = {f"{n:02d}": n + 1 for n in range(100)}


def not_numeric(text: str) -> ClientError:
    if not text:
        return validation_as_it_is("The parameter cannot be converted to a numeric value")
    return validation_as_it_is("The parameter cannot be converted to a numeric value: " + quoted(text))


def overflow() -> ClientError:
    return validation_as_it_is(
        "Number overflow. Attempting to store a number with magnitude larger than supported range"
    )


def underflow() -> ClientError:
    return validation_as_it_is(
        "Number underflow. Attempting to store a number with magnitude smaller than supported range"
    )


def too_precise() -> ClientError:
    return validation_as_it_is("Attempting to store more than 38 significant digits in a Number")


def normalize(text: str) -> str:
    """The normalised form of a number's text; raises ValidationException if it is no number or out of range."""
    if text.isdigit() and text.isascii() and len(text) <= NUMBER_DIGITS_MAX and (text[0] != "0" or text == "0"):
        return text
    match = _SYNTAX.fullmatch(text)
    if match is None:
        raise not_numeric(text)
    sign, whole, fraction, direction, exponent = match.groups()
    fraction = fraction or ""
    if not whole and not fraction:
        raise not_numeric(text)
    digits = (whole + fraction).lstrip("0")
    point = (len(digits) or 1) - len(fraction)  # position of the decimal point within digits
    if exponent is not None:
        exponent = exponent.lstrip("0") or "0"
        if len(exponent) > _EXPONENT_DIGITS_MAX:
            raise underflow() if direction == "-" else overflow()
        point += -int(exponent) if direction == "-" else int(exponent)
    if not digits:
        if exponent is not None:  # a zero's counts too
            _check_exponent(point - 1)
        return "0"
    return _checked(sign == "-", digits.rstrip("0"), point)


def _check_exponent(exponent: int) -> None:
    """Of a number's first digit."""
    if exponent > NUMBER_EXPONENT_MAX:
        raise overflow()
    if exponent < NUMBER_EXPONENT_MIN:
        raise underflow()


def _checked(negative: bool, digits: str, point: int) -> str:
    _check_exponent(point - 1)
    if len(digits) > NUMBER_DIGITS_MAX:
        raise too_precise()
    if point <= 0:
        plain = "0." + "0" * -point + digits
    elif point >= len(digits):
        plain = digits + "0" * (point - len(digits))
    else:
        plain = digits[:point] + "." + digits[point:]
    return "-" + plain if negative else plain


def add(a: str, b: str) -> str:
    """The exact sum of two normalised numbers, normalised; raises ValidationException if it is out of range."""
    if len(a) < 18 and len(b) < 18 and "." not in a and "." not in b:
        return str(int(a) + int(b))
    return _result(_EXACT.add(Decimal(a), Decimal(b)))


def subtract(a: str, b: str) -> str:
    """The exact difference of two normalised numbers; errors as `add`."""
    if len(a) < 18 and len(b) < 18 and "." not in a and "." not in b:
        return str(int(a) - int(b))
    return _result(_EXACT.subtract(Decimal(a), Decimal(b)))


def _result(exact: Decimal) -> str:
    """An exact result as text. DynamoDB calls a result of too many digits an overflow."""
    if len(exact.normalize(_EXACT).as_tuple().digits) > NUMBER_DIGITS_MAX:
        raise overflow()
    return normalize(format(exact, "f"))


def compare(a: str, b: str) -> int:
    """-1, 0 or 1, as a is less than, equal to or greater than b; both normalised."""
    if a == b:
        return 0
    if len(a) < 18 and len(b) < 18 and "." not in a and "." not in b:
        return -1 if int(a) < int(b) else 1
    return -1 if Decimal(a) < Decimal(b) else 1


def _scientific(text: str) -> tuple[bool, str, int]:
    """Sign, significant digits and exponent of the first digit of a normalised number that is not 0."""
    negative = text[0] == "-"
    whole, _, fraction = (text[1:] if negative else text).partition(".")
    if whole != "0":
        return negative, (whole + fraction).rstrip("0"), len(whole) - 1
    digits = fraction.lstrip("0")
    return negative, digits, len(digits) - len(fraction) - 1


def size(text: str) -> int:
    """Bytes of a normalised number by DynamoDB's rule: one, one for each two digits as aligned at the decimal point,
    one if negative."""
    if text.isdigit():  # a whole number, not negative: the usual one
        length = len(text.rstrip("0"))
        aligned = 1 if length and length % 2 == 0 and len(text) % 2 else 0
        return 1 + (length + 1) // 2 + aligned
    negative, digits, exponent = _scientific(text)
    length = len(digits)
    aligned = 0 if length % 2 or exponent % 2 else 1
    return 1 + (length + 1) // 2 + aligned + negative


def key_bytes(text: str) -> bytes:
    """Order-preserving, self-delimiting, exact bytes of a normalised number (at most 22).

    One byte of sign (0x40, 0x80 for zero, 0xC0), one of exponent, then digit pairs + 1, then an end mark below every
    pair; all but the sign complemented in negative numbers. A format that outlives releases: never change it.
    """
    if text == "0":
        return b"\x80"
    negative, digits, exponent = _scientific(text)
    if len(digits) % 2:
        digits += "0"
    packed = bytes([exponent - NUMBER_EXPONENT_MIN, *(_PAIRS[digits[i : i + 2]] for i in range(0, len(digits), 2)), 0])
    if negative:
        return b"\x40" + bytes(255 - byte for byte in packed)
    return b"\xc0" + packed
