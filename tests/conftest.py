"""Shared by every test: no network, and where the shared data lies if it is there."""

import socket
from pathlib import Path

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
    def refuse(self: socket.socket, address: object) -> None:
        raise AssertionError(f"a test tried to connect to {address!r}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
