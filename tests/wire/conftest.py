from collections.abc import Callable
from typing import Any

import pytest
from tests.wire.driver import Clock, FakeService, Wire


@pytest.fixture
def make_wire() -> Callable[..., Wire]:
    def make(**arguments: Any) -> Wire:
        return Wire(Clock(), FakeService(), **arguments)

    return make


@pytest.fixture
def wire(make_wire: Callable[..., Wire]) -> Wire:
    return make_wire()
