"""What counts as this machine itself, however it is written."""

from __future__ import annotations

import pytest

from nurture.channels.addresses import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_only_this_machine_reaches_these_hosts(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "prefect.example.com", "localhost.example.com", ""])
def test_others_may_reach_these_hosts(host):
    assert not is_loopback(host)
