"""Signed links: they open what they were made for, for as long as they say, and nothing else (mender 4.2)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, secrets
from app.core.errors import Forbidden
from app.mender import links

pytestmark = pytest.mark.rule("mender 4.2")

NOW = datetime(2026, 11, 25, 5, 30, 45, 123456, UTC)
ARTIFACT = "0c13a0e6-6b63-475d-8260-ee42a590e8ff"
OTHER = "1c13a0e6-6b63-475d-8260-ee42a590e8ff"
TENANT = "0123456789abcdef01234567"
URL_SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.fixture(autouse=True)
def _key(tmp_path: Path) -> Iterator[None]:
    secrets.configure(tmp_path / "key")
    with clock.freeze(NOW):
        yield


def made(tenant: str = "", lifetime: timedelta = links.DEVICE) -> tuple[int, str]:
    """A link's time and signature."""
    query = parse_qs(urlsplit(links.sign(tenant, ARTIFACT, "http://h", lifetime)["uri"]).query)
    return int(query["x-men-expire"][0]), query["x-men-signature"][0]


def test_the_form_of_a_link() -> None:
    link = links.sign("", ARTIFACT, "https://fleet.example.com:8443", links.MANAGEMENT)
    parts = urlsplit(link["uri"])
    query = parse_qs(parts.query, strict_parsing=True)
    assert f"{parts.scheme}://{parts.netloc}" == "https://fleet.example.com:8443"
    assert parts.path == f"/api/devices/v1/deployments/download/artifacts/{ARTIFACT}"
    assert query.keys() == {"x-men-expire", "x-men-signature"}
    assert set(query["x-men-signature"][0]) <= URL_SAFE
    # 256 bits.
    assert len(query["x-men-signature"][0]) == 43
    assert link["expire"] == "2026-11-25T05:45:45.000000Z"
    assert datetime.fromtimestamp(int(query["x-men-expire"][0]), UTC) == datetime(2026, 11, 25, 5, 45, 45, tzinfo=UTC)


def test_users_get_a_quarter_of_an_hour_and_devices_a_day() -> None:
    assert made(lifetime=links.MANAGEMENT)[0] == int(NOW.timestamp()) + 15 * 60
    assert made(lifetime=links.DEVICE)[0] == int(NOW.timestamp()) + 24 * 60 * 60


def test_a_link_works_until_it_ends_and_not_after() -> None:
    expire, signature = made()
    for seconds, works in ((-86_400, True), (-1, True), (-0.001, True), (0, False), (1, False), (10**6, False)):
        with clock.freeze(datetime.fromtimestamp(expire, UTC) + timedelta(seconds=seconds)):
            if works:
                links.check("", ARTIFACT, expire, signature)
            else:
                with pytest.raises(Forbidden, match="expired"):
                    links.check("", ARTIFACT, expire, signature)


def test_the_id_may_be_in_capitals() -> None:
    links.check("", ARTIFACT.upper(), *made())


def test_the_tenant_is_part_of_the_link() -> None:
    uri = links.sign(TENANT, ARTIFACT, "http://h", links.DEVICE)["uri"]
    assert parse_qs(urlsplit(uri).query)["x-men-tenant"] == [TENANT]
    links.check(TENANT, ARTIFACT, *made(TENANT))
    for one, other in ((TENANT, ""), ("", TENANT), (TENANT, TENANT[::-1])):
        with pytest.raises(Forbidden, match="not one of this server"):
            links.check(other, ARTIFACT, *made(one))


def test_what_differs_is_refused() -> None:
    expire, signature = made()
    links.check("", ARTIFACT, expire, signature)
    for artifact, moment, given_signature in (
        (OTHER, expire, signature),
        (ARTIFACT, expire + 1, signature),
        (ARTIFACT, expire - 1, signature),
        (ARTIFACT, expire, signature[:-1]),
        (ARTIFACT, expire, signature + "A"),
        (ARTIFACT, expire, signature + "="),
        (ARTIFACT, expire, signature.swapcase()),
        (ARTIFACT, expire, ""),
        (ARTIFACT, expire, "ü"),
        (ARTIFACT, expire, "\ud800"),
    ):
        with pytest.raises(Forbidden, match="not one of this server"):
            links.check("", artifact, moment, given_signature)


def test_fields_do_not_run_into_each_other() -> None:
    """A tenant that looks like the end of another field gives another signature."""
    expire, signature = made()
    with pytest.raises(Forbidden):
        links.check(f"{expire}", ARTIFACT, expire, signature)
    with pytest.raises(Forbidden):
        links.check("", f"{ARTIFACT}\n{expire}", expire, signature)


def test_another_key_signs_other_links(tmp_path: Path) -> None:
    expire, signature = made()
    secrets.configure(tmp_path / "other")
    with pytest.raises(Forbidden):
        links.check("", ARTIFACT, expire, signature)


def test_a_bad_signature_is_refused_before_the_time_is_looked_at() -> None:
    """What has been signed is told to those who hold the link only."""
    with pytest.raises(Forbidden, match="not one of this server"):
        links.check("", ARTIFACT, 1, "A" * 43)


@given(
    at=st.integers(0, 42), char=st.sampled_from(sorted(URL_SAFE)), expire=st.integers(-(2**63), 2**63), text=st.text()
)
def test_no_other_signature_or_time_works(at: int, char: str, expire: int, text: str) -> None:
    end, signature = made()
    changed = signature[:at] + char + signature[at + 1 :]
    for moment, candidate in ((end, changed), (expire, signature), (end, text)):
        if (moment, candidate) != (end, signature):
            with pytest.raises(Forbidden):
                links.check("", ARTIFACT, moment, candidate)
