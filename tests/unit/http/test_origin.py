"""Who calls and what this server is called: forwarded headers, CORS, the same-origin rule (design section 3)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadRequest
from app.http.origin import Origin, parse_origin, same_origin

HEADER = st.text(st.characters(max_codepoint=255), max_size=40)


def scope(peer: str | None = "192.0.2.1", **more: Any) -> dict[str, Any]:
    client = (peer, 40000) if peer is not None else None
    return {"scheme": "http", "client": client, "server": ("192.0.2.9", 8080), "http_version": "1.1", **more}


def address(headers: dict[str, str], *trusted: str, public_url: str | None = None, **more: Any) -> tuple[str, str]:
    return Origin(public_url, trusted, []).address(scope(**more), headers)


class TestAddress:
    @pytest.mark.parametrize(
        "host",
        ["fleet.example", "fleet.example:8080", "127.0.0.1:1", "[::1]:8080", "[::ffff:1.2.3.4]", "a_b", "LOCALHOST"],
    )
    def test_the_host_header_names_the_server(self, host):
        assert address({"host": host}) == ("192.0.2.1", f"http://{host}")
        assert address({"host": host}, scheme="https")[1] == f"https://{host}"

    @pytest.mark.parametrize(
        "host",
        [
            "",
            " ",
            "a b",
            "a/b",
            "a@b",
            "user:pass@host",
            "host:",
            "host:port",
            "host:123456",
            "host\n",
            "a, b",
            "fleet.example?x",
            "fleet.example#x",
            "höst",
            "[::1",
            "::1",
            "[fleet]",
            "x" * 254,
        ],
    )
    def test_what_is_no_host_is_refused(self, host):
        with pytest.raises(BadRequest):
            address({"host": host})

    def test_a_host_is_required_but_in_http_1_0(self):
        with pytest.raises(BadRequest):
            address({})
        assert address({}, http_version="1.0") == ("192.0.2.1", "http://192.0.2.9:8080")
        assert address({}, http_version="1.0", server=("::1", 80))[1] == "http://[::1]:80"
        with pytest.raises(BadRequest):
            address({}, http_version="1.0", server=("/run/flotilla.socket", None))

    def test_the_public_url_beats_all(self):
        forwarded = {"host": "inner", "x-forwarded-host": "outer", "x-forwarded-proto": "https"}
        for url in ("https://fleet.example", "https://fleet.example/"):
            assert address(forwarded, "192.0.2.0/24", public_url=url)[1] == "https://fleet.example"

    @pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1", None, "127.0.0.1"])
    def test_forwarded_headers_of_a_stranger_count_for_nothing(self, peer):
        headers = {"host": "a", "x-forwarded-for": "8.8.8.8", "x-forwarded-host": "b", "x-forwarded-proto": "https"}
        for trusted in ((), ("10.0.0.0/8",)):
            assert address(headers, *trusted, peer=peer) == (peer or "", "http://a")

    @pytest.mark.parametrize(
        ("peer", "trusted"),
        [
            ("10.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3/8"),
            ("::ffff:10.1.2.3", "10.0.0.0/8"),
            ("2001:db8::7", "2001:db8::/32"),
        ],
    )
    def test_those_of_a_trusted_proxy_count(self, peer, trusted):
        headers = {"host": "a", "x-forwarded-for": "8.8.8.8", "x-forwarded-host": "b:1", "x-forwarded-proto": "HTTPS"}
        assert address(headers, trusted, peer=peer) == ("8.8.8.8", "https://b:1")

    @pytest.mark.parametrize(
        ("forwarded", "client"),
        [
            ("", "10.0.0.1"),
            ("8.8.8.8", "8.8.8.8"),
            ("6.6.6.6, 8.8.8.8", "8.8.8.8"),  # only what a trusted proxy wrote itself can be believed
            ("8.8.8.8, 10.0.0.2", "8.8.8.8"),
            ("6.6.6.6, 8.8.8.8, 10.0.0.2,10.0.0.3", "8.8.8.8"),
            ("10.0.0.5, 10.0.0.2", "10.0.0.5"),
            ("8.8.8.8:1234", "8.8.8.8"),
            ("[2001:db8::1]:1234", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:8.8.8.8", "8.8.8.8"),
            ("unknown", "10.0.0.1"),
            ("8.8.8.8, unknown, 10.0.0.2", "10.0.0.2"),
            ("8.8.8.8, ", "10.0.0.1"),
        ],
    )
    def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(self, forwarded, client):
        assert address({"host": "a", "x-forwarded-for": forwarded}, "10.0.0.0/8", peer="10.0.0.1")[0] == client

    @pytest.mark.parametrize("name", ["x-forwarded-host", "x-forwarded-proto"])
    def test_a_proxy_that_forwards_nonsense_is_refused(self, name):
        with pytest.raises(BadRequest):
            address({"host": "a", name: "gopher://x"}, "10.0.0.0/8", peer="10.0.0.1")

    @given(HEADER, HEADER, HEADER, HEADER)
    def test_no_header_breaks_it_or_gets_into_the_url(self, host, forwarded_for, forwarded_host, proto):
        headers = {"host": host, "x-forwarded-for": forwarded_for}
        headers |= {"x-forwarded-host": forwarded_host, "x-forwarded-proto": proto}
        for peer in ("10.0.0.1", "192.0.2.1"):
            try:
                _, base_url = address(headers, "10.0.0.0/8", peer=peer)
            except BadRequest:
                continue
            assert parse_origin(base_url) is not None


class TestSameOrigin:
    @pytest.mark.parametrize(
        ("origin", "base_url"),
        [
            ("http://a", "http://a"),
            ("http://a", "http://A"),
            ("http://a", "http://a:80"),
            ("https://a", "https://a:443"),
            ("https://a:8443", "https://a:8443"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://a", "https://a/flotilla"),
        ],
    )
    def test_the_same(self, origin, base_url):
        assert same_origin({"origin": origin}, base_url)

    @pytest.mark.parametrize(
        "origin",
        [
            None,
            "",
            "null",
            "https://a",
            "http://a:81",
            "http://b",
            "http://a.b",
            "http://x@a",
            "http://a/",
            "http://a/b",
            "http://a, http://b",
            "http://a http://b",
            "a",
            "//a",
            "http://",
            "http://[",
            "http://[::1",
            "http://a:99999999",
        ],
    )
    def test_another_or_none(self, origin):
        assert not same_origin({} if origin is None else {"origin": origin}, "http://a")

    @given(HEADER)
    def test_no_header_breaks_it(self, text):
        assert same_origin({"origin": text}, "http://a") == (text.lower() in ("http://a", "http://a:80"))


class TestCors:
    LISTED = Origin(None, [], ["https://ui.example", "HTTP://Other.example:80"])

    def lines(self, origin: str | None, made: Origin | None = None) -> dict[bytes, bytes]:
        return dict((made or self.LISTED).answer_headers({} if origin is None else {"origin": origin}))

    @pytest.mark.parametrize("origin", ["https://ui.example", "http://other.example"])
    def test_a_listed_origin_may_read_answers_and_send_credentials(self, origin):
        lines = self.lines(origin)
        assert lines[b"access-control-allow-origin"] == origin.encode()
        assert lines[b"access-control-allow-credentials"] == b"true"
        exposed = set(lines[b"access-control-expose-headers"].decode().split(", "))
        assert {"Link", "X-Total-Count", "Location", "X-MEN-RequestID"} <= exposed

    @pytest.mark.parametrize(
        "origin",
        [
            None,
            "null",
            "*",
            "https://evil.example",
            "http://ui.example",
            "https://ui.example:8443",
            "https://ui.example.",
        ],
    )
    def test_no_other_learns_anything(self, origin):
        assert set(self.lines(origin)) == {b"vary"}

    @pytest.mark.parametrize("origin", [None, "https://ui.example", "*"])
    @pytest.mark.parametrize("listed", [[], ["*"], ["https://*.example"], ["null"]])
    def test_there_is_no_wildcard(self, origin, listed):
        made = Origin(None, [], listed)
        assert b"access-control-allow-origin" not in self.lines(origin, made)
        asked = {"access-control-request-method": "PUT"} | ({"origin": origin} if origin else {})
        assert made.preflight_headers(asked, ["PUT"]) == []

    def test_a_cache_keeps_the_answers_to_origins_apart(self):
        for origin in (None, "https://ui.example", "https://evil.example"):
            assert self.lines(origin)[b"vary"] == b"Origin"

    def test_a_preflight(self):
        asked = {"origin": "https://ui.example", "access-control-request-method": "PUT"}
        lines = dict(self.LISTED.preflight_headers(asked, ["GET", "PUT"]))
        assert lines[b"access-control-allow-methods"] == b"GET, PUT"
        sendable = set(lines[b"access-control-allow-headers"].decode().lower().split(", "))
        assert {"authorization", "content-type", "x-men-signature", "range"} <= sendable

    @pytest.mark.parametrize(
        "asked",
        [
            {"origin": "https://ui.example"},
            {"access-control-request-method": "PUT"},
            {"origin": "https://evil.example", "access-control-request-method": "PUT"},
        ],
    )
    def test_no_preflight(self, asked):
        assert self.LISTED.preflight_headers(asked, ["GET", "PUT"]) == []
