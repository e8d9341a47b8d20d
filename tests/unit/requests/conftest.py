"""Tests of requests run in virtual time: a test of five minutes takes milliseconds."""

from asyncio import AbstractEventLoop
from collections.abc import Callable

import pytest

from tests.support.virtual_time import VirtualLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], AbstractEventLoop]]:
    del config, item
    return {"virtual": VirtualLoop}
