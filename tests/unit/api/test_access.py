from ipaddress import IPv4Address

import pytest

from api.access import is_loopback
from domain.access import Role


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_addresses_of_this_machine_are_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", [str(IPv4Address(0)), "::", "", "10.0.0.1", "example.org", "127.0.0.1.example.org", "localhost."]
)
def test_every_other_address_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_each_role_includes_those_below_it_and_none_above() -> None:
    assert Role.ADMIN.includes(Role.OPERATOR)
    assert Role.OPERATOR.includes(Role.VIEWER)
    assert Role.OPERATOR.includes(Role.OPERATOR)
    assert not Role.VIEWER.includes(Role.OPERATOR)
    assert not Role.OPERATOR.includes(Role.ADMIN)
