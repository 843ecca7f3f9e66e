"""The cart as a web page: sections one below the other. A new part of the page is one more function in SECTIONS."""

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from cart_store import QUANTITY_MAX, Cart
from recommendation_store import Recommendation

REFRESH_MS = 400  # how often an open page asks for new recommendations

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }} td {{ padding: .3rem 0; border-top: 1px solid #ccc }}
form {{ display: inline }} input[type=number] {{ width: 5rem }} .fault {{ color: #a00 }}
</style></head><body>
"""


REFRESH = f"""
const section = document.getElementById("together");
let shown = null;
async function refresh() {{
  const ask = () => fetch(section.dataset.source).then(answer => answer.ok ? answer.text() : shown);
  const text = document.hidden ? shown : await ask().catch(() => shown);
  if (text !== shown) section.innerHTML = shown = text;
  setTimeout(refresh, {REFRESH_MS});
}}
refresh();
"""


class View(NamedTuple):
    """What the page shows: a cart, and what is bought together with what is in it."""

    cart: Cart
    together: Sequence[Recommendation] = ()


def lines(view: View) -> str:
    """What is in the cart, each line with its forms."""
    cart = view.cart
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


def together(view: View) -> str:
    """What is bought together with what is in the cart. The open page brings this section up to date by itself."""
    source = f"/carts/{quote(view.cart.user, safe='')}/together"
    return (
        f'<section id="together" data-source="{source}" aria-live="polite">{recommended(view)}</section>'
        f"<script>{REFRESH}</script>"
    )


def recommended(view: View) -> str:
    """The inside of the section: each product with a button that puts it into the cart."""
    if not view.together:
        return ""
    base = f"/carts/{quote(view.cart.user, safe='')}"
    entries = []
    for product, carts in view.together:
        name = escape(product, quote=True)
        entries.append(
            f'<li>{name} <small>together {carts:,}×</small> <form method="post" action="{base}/add">'
            f'<input type="hidden" name="product" value="{name}"><input type="hidden" name="quantity" value="1">'
            f"<button>Add</button></form></li>"
        )
    return f"<h2>Bought together</h2><ul>{''.join(entries)}</ul>"


def add_form(view: View) -> str:
    """The form that adds a product."""
    return (
        f'<form method="post" action="/carts/{quote(view.cart.user, safe="")}/add">'
        '<label>Product <input name="product" required></label> '
        f'<label>Quantity <input type="number" name="quantity" min="1" max="{QUANTITY_MAX}" value="1"></label> '
        "<button>Add</button></form>"
    )


SECTIONS: list[Callable[[View], str]] = [lines, together, add_form]


def cart_page(view: View) -> str:
    """The page of a cart."""
    title = f"Cart of {escape(view.cart.user)}"
    return HEAD.format(title=title) + f"<h1>{title}</h1>" + "".join(section(view) for section in SECTIONS)


def start_page() -> str:
    """The page that asks who is there."""
    form = (
        '<form action="/carts"><label>Your name <input name="user" required></label> <button>Open cart</button></form>'
    )
    return HEAD.format(title="Cart") + "<h1>Cart</h1>" + form


def fault_page(reason: str) -> str:
    """The page that says why something was not done."""
    return HEAD.format(title="Cart") + f'<h1>Cart</h1><p class="fault">Not done: {escape(reason)}.</p>'
