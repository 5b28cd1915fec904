"""Which addresses may be reached."""

from __future__ import annotations

import ipaddress

import pytest

from callboard.lib.netguard import RefusedError, UnknownHostError, check_address, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "::ffff:127.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
    ],
)
def test_addresses_that_lead_inside_are_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_addresses_of_the_open_internet_are_public(address):
    assert is_public(ipaddress.ip_address(address))


def test_a_listed_host_address_or_network_is_let_through():
    for rule in ("localhost", "LOCAL*", "127.0.0.0/8"):
        assert "127.0.0.1" in check_address("localhost", 80, [rule, "::1"])
    assert check_address("[::1]", 80, ["::1/128"]) == ["::1"]


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:10.0.0.1]"])
def test_every_spelling_of_a_private_address_is_refused(host):
    with pytest.raises(RefusedError, match="not a public address"):
        check_address(host, 80, ["10.9.9.9", "*.example.com"])


def test_an_unknown_host_is_told_apart_from_a_refused_one():
    for host in ("no-such-host.invalid", "a..b", "x" * 300):
        with pytest.raises(UnknownHostError, match="no host is called"):
            check_address(host, 80)
