"""Numbers: their normal text, exact arithmetic, sizes, and bytes in numeric order."""

from decimal import Context, Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from statordb.model import numbers
from statordb.model.errors import ClientError

FAST = settings(max_examples=300, deadline=None)

EXACT = Context(prec=400)
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"

digits = st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1)
decimals = st.builds(lambda whole, exponent: Decimal(whole).scaleb(exponent, EXACT), digits, st.integers(-140, 130))


def in_range(value: Decimal) -> bool:
    return not value or -130 <= value.adjusted() <= 125


valid = decimals.filter(in_range)
normal = valid.map(lambda value: numbers.normalize(format(value, "f")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("0e5", "0"),
        ("0e125", "0"),
        ("-0.0e126", "0"),
        ("0e-130", "0"),
        ("00012", "12"),
        ("+1", "1"),
        ("1.", "1"),
        (".5", "0.5"),
        ("-.50", "-0.5"),
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ("1E+05", "100000"),
        ("100e-2", "1"),
        ("12.5e-3", "0.0125"),
        ("1e0000000000001", "10"),  # zeros in front of an exponent say nothing, however many there are
        ("1e-0000000000001", "0.1"),
        ("0." + "0" * 200 + "1e200", "0.1"),
        ("1" + "0" * 125, "1" + "0" * 125),
        ("1e-130", "0." + "0" * 129 + "1"),
        ("9" * 38 + "e88", "9" * 38 + "0" * 88),
        ("1" * 38 + "0", "1" * 38 + "0"),  # 39 digits, of which 38 are significant
    ],
)
def test_normal_form(text: str, expected: str) -> None:
    assert numbers.normalize(text) == expected


@pytest.mark.parametrize("text", [" 1", "1 ", "1_0", ".", "-", "e5", "1e", "0x1", "NaN", "Infinity", "1,5", "--1", "١"])
def test_text_that_is_no_number(text: str) -> None:
    with pytest.raises(ClientError) as caught:
        numbers.normalize(text)
    assert caught.value.message == "The parameter cannot be converted to a numeric value: " + text


def test_the_empty_text_is_named_without_itself() -> None:
    with pytest.raises(ClientError) as caught:
        numbers.normalize("")
    assert caught.value.message == "The parameter cannot be converted to a numeric value"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1e126", OVERFLOW),
        ("-10e125", OVERFLOW),
        ("1e99999999999", OVERFLOW),
        ("9e-131", UNDERFLOW),
        ("0e126", OVERFLOW),  # a zero's exponent counts as any other's
        ("0e-131", UNDERFLOW),
        ("0e99999999999", OVERFLOW),
        (
            "1e-99999999999",
            UNDERFLOW,
        ),
        ("1" * 39, TOO_PRECISE),
        ("1." + "0" * 37 + "1", TOO_PRECISE),
    ],
)
def test_numbers_out_of_range(text: str, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        numbers.normalize(text)
    assert caught.value.message == message


def test_a_long_row_of_zeros_costs_linear_time() -> None:
    """A pattern that backs off digit by digit would take hours for this."""
    with pytest.raises(ClientError):
        numbers.normalize("1e" + "0" * 1_000_000 + "x")
    assert numbers.normalize("0" * 1_000_000 + "7") == "7"


@FAST
@given(valid, st.sampled_from(["f", "e", "E"]))
def test_the_normal_form_is_the_same_number_however_it_was_written(value: Decimal, form: str) -> None:
    text = numbers.normalize(format(value, form))
    assert Decimal(text) == value
    assert numbers.normalize(text) is text or numbers.normalize(text) == text
    assert "e" not in text.lower()
    assert not text.startswith("+")
    if "." in text:
        assert not text.endswith(("0", "."))


@pytest.mark.slow
@FAST
@given(decimals)
def test_just_the_numbers_in_range_are_taken(value: Decimal) -> None:
    try:
        numbers.normalize(format(value, "f"))
        taken = True
    except ClientError:
        taken = False
    assert taken is in_range(value)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(normal, normal)
def test_key_bytes_are_in_numeric_order(a: str, b: str) -> None:
    """Equal numbers have equal bytes, since they have equal texts; no key is the beginning of another."""
    first, second = numbers.key_bytes(a), numbers.key_bytes(b)
    expected = Decimal(a).compare(Decimal(b))
    assert (first > second) - (first < second) == expected == numbers.compare(a, b)
    if a != b:
        assert not first.startswith(second)
    assert len(first) <= 22


NEIGHBOURS = ["-1e125", "-100", "-99", "-10", "-1.01", "-1", "-0.99", "-0.1", "-1e-130"]


def test_key_bytes_of_close_neighbours() -> None:
    """Every pair of a list that hypothesis would seldom draw together, and its mirror image."""
    texts = [numbers.normalize(text) for text in NEIGHBOURS]
    texts += ["0", *(text[1:] for text in reversed(texts))]
    keys = [numbers.key_bytes(text) for text in texts]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "80"),
        ("1", "c0820b00"),
        ("-1", "407df4ff"),
        ("10", "c0830b00"),
        ("1.05", "c0820b3300"),
        ("-12.5", "407cf2ccff"),
        ("0.001", "c07f0b00"),
        ("1e-130", "c0000b00"),
        ("9.9e125", "c0ff6400"),
        ("1234567890123456789012345678901234567.8", "c0a60d23394f5b0d23394f5b0d23394f5b0d23394f00"),
    ],
)
def test_the_format_of_key_bytes_is_frozen(text: str, expected: str) -> None:
    """These bytes are in every store: never change this test, whatever the code becomes."""
    assert numbers.key_bytes(numbers.normalize(text)).hex() == expected


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 1),
        ("1", 2),
        ("-1", 3),
        ("12", 2),
        ("123", 3),
        ("0.12", 2),
        ("1.5", 3),
        ("100", 2),
        ("10", 2),
        ("-123456", 5),
        ("1" * 38, 20),
        ("1" * 37 + ".1", 21),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """AWS tells the rule roughly: two digits a byte, in pairs that end at the decimal point, and one for a sign."""
    assert numbers.size(text) == size


@given(st.integers(1, 10**38 - 1), st.integers(0, 80))
def test_a_whole_number_is_measured_as_its_negative_but_for_the_sign(digits: int, zeros: int) -> None:
    """The usual number takes a way of its own."""
    text = str(digits) + "0" * zeros
    assert numbers.size(text) + 1 == numbers.size("-" + text)


@pytest.mark.slow
@FAST
@given(normal, normal, st.booleans())
def test_sums_are_exact_or_refused(a: str, b: str, subtract: bool) -> None:
    result = EXACT.subtract(Decimal(a), Decimal(b)) if subtract else EXACT.add(Decimal(a), Decimal(b))
    operation = numbers.subtract if subtract else numbers.add
    fits = in_range(result) and len(result.normalize(EXACT).as_tuple().digits) <= 38
    if fits:
        text = operation(a, b)
        assert Decimal(text) == result
        assert numbers.normalize(text) == text
    else:
        with pytest.raises(ClientError, match=r"Number (overflow|underflow)"):
            operation(a, b)


@pytest.mark.parametrize(
    ("a", "b", "total", "difference"),
    [
        ("1", "2", "3", "-1"),
        ("0.1", "0.2", "0.3", "-0.1"),
        ("99999999999999999", "1", "100000000000000000", "99999999999999998"),  # as long as the short way takes
        ("1", "1", "2", "0"),
        ("-1", "1", "0", "-2"),
        ("0", "0", "0", "0"),
    ],
)
def test_sums(a: str, b: str, total: str, difference: str) -> None:
    assert numbers.add(a, b) == total
    assert numbers.subtract(a, b) == difference


@pytest.mark.parametrize(("a", "b"), [("9" * 38, "0.1"), ("9e125", "9e125"), ("1e125", "1e-130")])
def test_a_sum_of_too_many_digits_is_called_an_overflow(a: str, b: str) -> None:
    """So DynamoDB calls it, and not by the words for a number that was given with too many digits."""
    with pytest.raises(ClientError, match="Number overflow"):
        numbers.add(numbers.normalize(a), numbers.normalize(b))


@pytest.mark.slow
@FAST
@given(normal, normal)
def test_comparison(a: str, b: str) -> None:
    """Of two numbers that differ exactly one is smaller, whichever way one asks."""
    assume(a != b)
    assert numbers.compare(a, b) == -numbers.compare(b, a) != 0
