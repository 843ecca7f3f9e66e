"""The cart as a web page: sections one below the other. A new part of the page is one more function in SECTIONS."""

from collections.abc import Callable
from html import escape
from urllib.parse import quote

from cart_store import QUANTITY_MAX, Cart

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }} td {{ padding: .3rem 0; border-top: 1px solid #ccc }}
form {{ display: inline }} input[type=number] {{ width: 5rem }} .fault {{ color: #a00 }}
</style></head><body>
"""


def lines(cart: Cart) -> str:
    """What is in the cart, each line with its forms."""
    if not cart.lines:
        return "<p>The cart is empty.</p>"
    base = f"/carts/{quote(cart.user, safe='')}"
    rows = []
    for product, quantity in sorted(cart.lines.items()):
        name = escape(product, quote=True)
        rows.append(
            f"<tr><td>{name}</td>"
            f'<td><form method="post" action="{base}/change"><input type="hidden" name="product" value="{name}">'
            f'<input type="number" name="quantity" min="1" max="{QUANTITY_MAX}" value="{quantity}"'
            f' aria-label="Quantity of {name}"> <button>Change</button></form></td>'
            f'<td><form method="post" action="{base}/remove"><input type="hidden" name="product" value="{name}">'
            f"<button>Remove</button></form></td></tr>"
        )
    return f"<table>{''.join(rows)}</table>"


def add_form(cart: Cart) -> str:
    """The form that adds a product."""
    return (
        f'<form method="post" action="/carts/{quote(cart.user, safe="")}/add">'
        '<label>Product <input name="product" required></label> '
        f'<label>Quantity <input type="number" name="quantity" min="1" max="{QUANTITY_MAX}" value="1"></label> '
        "<button>Add</button></form>"
    )


SECTIONS: list[Callable[[Cart], str]] = [lines, add_form]


def cart_page(cart: Cart) -> str:
    """The page of a cart."""
    title = f"Cart of {escape(cart.user)}"
    return HEAD.format(title=title) + f"<h1>{title}</h1>" + "".join(section(cart) for section in SECTIONS)


def start_page() -> str:
    """The page that asks who is there."""
    form = (
        '<form action="/carts"><label>Your name <input name="user" required></label> <button>Open cart</button></form>'
    )
    return HEAD.format(title="Cart") + "<h1>Cart</h1>" + form


def fault_page(reason: str) -> str:
    """The page that says why something was not done."""
    return HEAD.format(title="Cart") + f'<h1>Cart</h1><p class="fault">Not done: {escape(reason)}.</p>'
