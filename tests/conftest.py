"""Shared by every test: no network, and where the shared data lies if it is there."""

import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("govbot", deadline=None)
settings.load_profile("govbot")

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """Real elections, constitutions and test vectors, beside the checkout where present."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data beside the checkout")
    return SHARED


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test speaks to anybody but a server of its own, on this machine."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if not (isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1")):
            raise AssertionError(f"a test tried to connect to {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
