"""A broker URL is taken apart once, and its password never shows."""

import pytest

from runtime.broker_address import parse


def test_a_url_with_everything() -> None:
    address = parse("mqtts://city%40west:p%3Aw@broker.example")
    assert (address.host, address.port, address.tls) == ("broker.example", 8883, True)
    assert (address.username, address.password) == ("city@west", "p:w")
    assert "p:w" not in repr(address)


def test_plain_urls_take_the_usual_port() -> None:
    assert parse("mqtt://127.0.0.1").port == 1883
    assert parse("mqtt://[::1]:5000").host == "::1"


@pytest.mark.parametrize(
    "url", ["http://u:hidden@x", "mqtt://u:hidden@:1883", "mqtt://u:hidden@x:70000", "mqtt://u:hidden@x/t"]
)
def test_what_is_no_broker_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"broker URL") as caught:
        parse(url)
    assert "hidden" not in str(caught.value)
