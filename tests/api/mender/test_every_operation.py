"""Rules that hold for every operation of the Mender system, read from its spec (design section 3, order of refusal)."""

import re
from datetime import timedelta

import httpx
import pytest

from app.core import clock
from app.http import specs, systems
from app.http.schemas import Schemas
from tests.support.live import raw
from tests.support.mender import Device, User

SYSTEM = next(system for system in systems.load_systems(systems.root()) if system.name == "mender")
DOCUMENT = specs.document(systems.root(), SYSTEM, "public")
OPERATIONS = [
    pytest.param(path, method.upper(), operation, id=operation["operationId"])
    for path, method, operation in specs.operations(DOCUMENT)
]
ID = "3c6f2f0e-5f0a-4b62-8a59-0c4d9e6a7b21"


def url(path: str) -> str:
    return re.sub(r"\{[a-z_]+\}", ID, path)


def schemes(operation: dict) -> set[str]:
    return {name for entry in operation.get("security", []) for name in entry}


@pytest.fixture
def people(http, user) -> dict[str, str]:
    """A good token of each kind, of each one that has expired, and one that was revoked."""
    device = user.accepted(Device(http))
    leaver = User(http, email="leaver@example.com")
    leaver.call("POST", "/api/management/v1/useradm/auth/logout")
    with clock.freeze(clock.now() - timedelta(days=8)):
        late = User(http, email="late@example.com")
        late_device = late.accepted(Device(http))
    return {
        "user": user.token,
        "device": device.token,
        "revoked": leaver.token,
        "expired user": late.token,
        "expired device": late_device.token,
    }


def test_who_may_call_what(http: httpx.Client, people):
    """Every operation x (nobody, the other kind, revoked, expired, nonsense) is 401; the right kind is not."""
    for case in OPERATIONS:
        path, method, operation = case.values
        wanted = schemes(operation)
        if not wanted:
            continue
        right = "device" if "DeviceJWT" in wanted else "user"
        wrong = {"device": "user", "user": "device"}[right]
        for credential in (None, people[wrong], people["revoked"], people[f"expired {right}"], "nonsense"):
            headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
            answer = http.request(method, url(path), headers=headers)
            assert answer.status_code == 401, (case.id, credential)
            assert answer.json().keys() == {"error", "request_id"}
            assert answer.headers["WWW-Authenticate"]
        if "BasicUser" not in wanted and case.id != "logout":
            answer = http.request(method, url(path), headers={"Authorization": f"Bearer {people[right]}"})
            assert answer.status_code not in (401, 403, 405, 500), (case.id, answer.text)


def test_a_cookie_from_elsewhere_changes_nothing(http: httpx.Client, people):
    for case in OPERATIONS:
        path, method, operation = case.values
        if method == "GET" or "ManagementCookie" not in schemes(operation):
            continue
        answer = http.request(
            method,
            url(path),
            headers={"Cookie": f"JWT={people['user']}", "Origin": "https://elsewhere.example"},
        )
        assert answer.status_code == 403, case.id


def test_a_body_that_is_too_large_or_of_another_type(http: httpx.Client, people, seen):
    for case in OPERATIONS:
        path, method, operation = case.values
        if "requestBody" not in operation:
            continue
        limit = operation.get("x-max-body", 1024 * 1024)
        if limit == 1024 * 1024:
            too_large = http.request(method, url(path), content=b" " * (limit + 1)).status_code
        else:
            head = f"{method} {url(path)} HTTP/1.1\r\nHost: x\r\nContent-Length: {limit + 1}\r\n\r\n"
            too_large = int(raw(str(http.base_url).rstrip("/"), head.encode()).split()[1])
            seen.answer(method, url(path), too_large)
        assert too_large == 413, case.id
        kind = "device" if "DeviceJWT" in schemes(operation) else "user"
        headers = {"Authorization": f"Bearer {people[kind]}", "Content-Type": "application/xml"}
        if "BasicUser" in schemes(operation):
            continue
        headers |= {"X-MEN-Signature": "AAAA"}
        assert http.request(method, url(path), headers=headers, content=b"<a/>").status_code == 415, case.id


def test_every_example_of_a_request_is_accepted_by_its_schema():
    schemas = Schemas(DOCUMENT)
    judged = 0
    for case in OPERATIONS:
        _, _, operation = case.values
        body = operation.get("requestBody", {})
        if "$ref" in body:
            body = DOCUMENT["components"]["requestBodies"][body["$ref"].rpartition("/")[2]]
        for media, content in body.get("content", {}).items():
            found = [content["example"]] if "example" in content else []
            for example in content.get("examples", {}).values():
                name = example.get("$ref", "").rpartition("/")[2]
                found.append((DOCUMENT["components"]["examples"][name] if name else example)["value"])
            for value in found:
                assert schemas.request(content["schema"]).errors(value) == [], (case.id, media)
                judged += 1
    assert judged > 10
