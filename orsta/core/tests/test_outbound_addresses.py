"""Which addresses outbound calls may reach, and which URLs are taken for one."""

from ipaddress import ip_address
from typing import Any

import pytest

from orsta.core import http

PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "192.0.1.1", "2606:4700:4700::1111"]
PRIVATE = [
    "0.0.0.0",  # noqa: S104 (to be refused, not to listen on)
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:1.1.1.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3ffe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert http.is_allowed(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_all_others_are_not(address: str) -> None:
    assert not http.is_allowed(ip_address(address))


def test_a_deployment_may_allow_more(settings: Any) -> None:
    settings.ORSTA_OUTBOUND_ALLOW = ["10.1.0.0/16", "fd00::/8"]

    assert http.is_allowed(ip_address("10.1.2.3"))
    assert http.is_allowed(ip_address("fd00::1"))
    assert not http.is_allowed(ip_address("10.2.0.1"))


class TestCheckUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "http://example.com",
            "https://example.com:8443/hook?a=1#b",
            "HTTPS://EXAMPLE.COM./",
            "https://münchen.example/",
            "http://under_score.example",
            "http://93.184.216.34:8080/",
            "http://[2606:4700:4700::1111]/",
        ],
    )
    def test_public_urls_pass(self, url: str) -> None:
        http.check_url(url)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "example.com",
            "//example.com",
            "http:",
            "http://",
            "http:///path",
            "ftp://example.com",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "http://user@example.com",
            "http://user:secret@example.com",
            "http://example.com:0/",
            "http://example.com:99999/",
            "http://exa mple.com/",
            "http://example.com\n/",
            "http://exam\x00ple.com/",
            "http://example.com/\ud800",
            "http://a..b/",
            "http://" + "a" * 300 + "/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://db.localhost/",
            "http://127.1/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://2130706433/",
            "http://127.0.0.1./",
            "http://①②⑦.0.0.1/",
            "http://169.254.169.254/latest/meta-data",
            *(
                f"http://[{address}]/" if ":" in address else f"http://{address}/"
                for address in PRIVATE
            ),
        ],
    )
    def test_all_others_are_refused_with_a_sentence(self, url: str) -> None:
        with pytest.raises(http.UnsafeAddress) as caught:
            http.check_url(url)

        assert caught.value.code == "unsafe_address"
        assert caught.value.message.endswith(".")

    def test_a_deployment_may_allow_more(self, settings: Any) -> None:
        settings.ORSTA_OUTBOUND_ALLOW = ["127.0.0.0/8"]

        http.check_url("http://localhost:9000/hook")
        http.check_url("http://127.0.0.1:9000/hook")
