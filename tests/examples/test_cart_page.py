"""The page shows what users and products are called, whatever that is."""

from cart_page import View, cart_page, fault_page, recommended
from cart_store import Cart
from recommendation_store import Recommendation

SCRIPT = '<script>alert("x")</script>'


def test_names_are_text_and_never_markup() -> None:
    view = View(Cart(SCRIPT, 1, {SCRIPT: 2}), [Recommendation(SCRIPT, 3)])
    for page in (cart_page(view), fault_page(SCRIPT), recommended(view)):
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_names_are_quoted_in_addresses() -> None:
    page = cart_page(View(Cart('a &/"b')))
    assert 'action="/carts/a%20%26%2F%22b/add"' in page
    assert 'data-source="/carts/a%20%26%2F%22b/together"' in page


def test_each_line_can_be_changed_and_removed() -> None:
    page = cart_page(View(Cart("ada", 1, {"tea": 2, "soap": 1})))
    assert page.count('action="/carts/ada/change"') == page.count('action="/carts/ada/remove"') == 2
    assert 'value="2"' in page


def test_what_is_bought_together_can_be_added() -> None:
    page = cart_page(View(Cart("ada", 1, {"tea": 2}), [Recommendation("soap", 1200)]))
    assert "1,200" in page
    assert '<input type="hidden" name="product" value="soap">' in page
    assert "Bought together" not in cart_page(View(Cart("ada", 1, {"tea": 2})))
