"""The page shows what users and products are called, whatever that is."""

from cart_page import cart_page, fault_page
from cart_store import Cart

SCRIPT = '<script>alert("x")</script>'


def test_names_are_text_and_never_markup() -> None:
    for page in (cart_page(Cart(SCRIPT, 1, {SCRIPT: 2})), fault_page(SCRIPT)):
        assert "<script" not in page


def test_names_are_quoted_in_addresses() -> None:
    assert 'action="/carts/a%20%26%2Fb/add"' in cart_page(Cart("a &/b"))


def test_each_line_can_be_changed_and_removed() -> None:
    page = cart_page(Cart("ada", 1, {"tea": 2, "soap": 1}))
    assert page.count('action="/carts/ada/change"') == page.count('action="/carts/ada/remove"') == 2
    assert 'value="2"' in page
