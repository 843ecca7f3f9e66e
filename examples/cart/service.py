"""The cart service: a page for browsers and JSON for programs, over any DynamoDB endpoint.

Usage: service.py [--port 8080] [--workers 1]

    GET    /carts/{user}                        the page; its forms post to /carts/{user}/add, change and remove
    GET    /carts/{user}/together               its section of what is bought together, which the page refreshes
    GET    /api/carts/{user}                    the cart
    GET    /api/carts/{user}/together           what is bought together with what is in it
    POST   /api/carts/{user}/lines              {"product": ..., "quantity": ...}: that many more
    PUT    /api/carts/{user}/lines/{product}    {"quantity": ...}: the quantity of a product in the cart
    DELETE /api/carts/{user}/lines/{product}    out of the cart

The table's name is CART_TABLE (default `carts`); the endpoint, region and credentials are boto3's own settings.
"""

import argparse
import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from anyio import to_thread
from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from cart_page import View, cart_page, fault_page, recommended, start_page
from cart_store import CartRefused, CartStore, Change, OutcomeUnknown, check_user
from deployment import names
from recommendation_store import RecommendationStore

log = logging.getLogger("cart")
# Threads of one process that ask the database; more would only wait for each other's turn with the interpreter.
REQUESTS_AT_ONCE = 16


def start(request: Request) -> Response:
    """The first page; with a name given, on to that user's cart."""
    user = request.query_params.get("user")
    if user:
        check_user(user)
        return RedirectResponse(request.url_for("page", user=user), status_code=303)
    return HTMLResponse(start_page())


def page(request: Request) -> Response:
    """The cart's page."""
    return HTMLResponse(cart_page(_view(request)))


def together(request: Request) -> Response:
    """The page's section of what is bought together."""
    return HTMLResponse(recommended(_view(request)))


def show_together(request: Request) -> Response:
    """What is bought together with what is in the cart, as JSON."""
    found = [{"product": product, "carts": carts} for product, carts in _view(request).together]
    return JSONResponse({"together": found})


async def form(request: Request) -> Response:
    """A form of the page was sent: make the change, and show the cart again."""
    user, action = request.path_params["user"], request.path_params["action"]
    sent = dict(parse_qsl((await request.body()).decode(errors="replace")))
    await run_in_threadpool(_make, _store(request), action, user, sent.get("product"), sent.get("quantity"))
    return RedirectResponse(request.url_for("page", user=user), status_code=303)


def show(request: Request) -> Response:
    """The cart as JSON."""
    cart = _store(request).show(request.path_params["user"])
    return JSONResponse({"user": cart.user, "version": cart.version, "lines": cart.lines})


async def add(request: Request) -> Response:
    """Add to a product's quantity."""
    sent = await _sent(request)
    return await _answer(request, "add", sent.get("product"), sent.get("quantity", 1))


async def change(request: Request) -> Response:
    """Set a product's quantity."""
    sent = await _sent(request)
    return await _answer(request, "change", request.path_params["product"], sent.get("quantity"))


async def remove(request: Request) -> Response:
    """Take a product out."""
    return await _answer(request, "remove", request.path_params["product"], None)


def _store(request: Request) -> CartStore:
    store: CartStore = request.app.state.store
    return store


def _view(request: Request) -> View:
    cart = _store(request).show(request.path_params["user"])
    recommendations: RecommendationStore = request.app.state.recommendations
    return View(cart, recommendations.together_with(cart.lines))


async def _sent(request: Request) -> dict[str, Any]:
    try:
        sent = json.loads(await request.body())
    except ValueError:
        return {}  # the missing members are refused with what is wrong with them
    return sent if isinstance(sent, dict) else {}


def _make(store: CartStore, action: str, user: str, product: object, quantity: object) -> Change:
    """Make a change, from what a client sent. CartRefused when it can't be made."""
    if not isinstance(product, str):
        raise CartRefused(422, "a product is a text")
    if action == "remove":
        return store.remove(user, product)
    changes: dict[str, Callable[[str, str, int], Change]] = {"add": store.add, "change": store.change}
    if action not in changes:
        raise CartRefused(404, "a cart knows add, change and remove")
    if isinstance(quantity, bool) or not isinstance(quantity, int | str) or not str(quantity).isdecimal():
        raise CartRefused(422, "a quantity is a whole number")
    return changes[action](user, product, int(quantity))


async def _answer(request: Request, action: str, product: object, quantity: object) -> Response:
    made = await run_in_threadpool(_make, _store(request), action, request.path_params["user"], product, quantity)
    cart = made.cart
    return JSONResponse(
        {
            "user": cart.user,
            "version": cart.version,
            "lines": cart.lines,
            "before": made.before,
            "after": made.after,
            "attempts": made.attempts,
            "acknowledged_at": made.acknowledged_at,
        }
    )


async def _refused(request: Request, fault: Exception) -> Response:
    """Say what was not done and why, as a page or as JSON. 503 alone means that a change may have been made."""
    if isinstance(fault, CartRefused):
        status, reason = fault.status, str(fault)
    elif isinstance(fault, OutcomeUnknown):
        status, reason = 503, "the database did not answer; look at the cart before trying again"
    else:
        log.warning("the database failed", exc_info=fault)
        status, reason = 502, "the database cannot be asked now"
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": reason}, status)
    return HTMLResponse(fault_page(reason), status)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = REQUESTS_AT_ONCE
    named = names(os.environ.get("CART_TABLE", "carts"))
    store = CartStore(named.carts)
    await run_in_threadpool(store.create_table)
    app.state.store = store
    app.state.recommendations = RecommendationStore(named.recommendations, store.client)
    yield


app = Starlette(
    lifespan=_lifespan,
    exception_handlers=dict.fromkeys((CartRefused, OutcomeUnknown, BotoCoreError, ClientError), _refused),
    routes=[
        Route("/", start),
        Route("/carts", start),
        Route("/carts/{user}", page, name="page"),
        Route("/carts/{user}/together", together),
        Route("/carts/{user}/{action}", form, methods=["POST"]),
        Route("/api/carts/{user}", show),
        Route("/api/carts/{user}/together", show_together),
        Route("/api/carts/{user}/lines", add, methods=["POST"]),
        Route("/api/carts/{user}/lines/{product:path}", change, methods=["PUT"]),
        Route("/api/carts/{user}/lines/{product:path}", remove, methods=["DELETE"]),
    ],
)


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="A cart service on a DynamoDB table.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    chosen = parser.parse_args()
    uvicorn.run("service:app", host=chosen.host, port=chosen.port, workers=chosen.workers, log_level="warning")


if __name__ == "__main__":
    main()
