"""The page for people, and our own endpoints, on both listeners."""

import httpx
import orjson
from openapi_spec_validator import OpenAPIV30SpecValidator

from app import __version__


def test_the_start_page(servers, database):
    with httpx.Client(base_url=servers.public, follow_redirects=False) as http:
        moved = http.get("/ui")
        assert moved.status_code in (301, 308)
        assert moved.url.join(moved.headers["Location"]).path == "/ui/"
        page = http.get("/ui/")
        assert page.status_code == 200
        assert __version__ in page.text
        assert "/openapi/mender.json" in page.text
        assert "http://" not in page.text.replace(servers.public, "")
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        for name in ("flotilla.css", "flotilla.svg"):
            assert f"/ui/static/{name}" in page.text
            assert http.get(f"/ui/static/{name}").status_code == 200
        assert http.get("/ui/nothing").status_code == 404
        assert http.get("/ui/mender/password").status_code == 200
        assert http.get("/ui/flotilla/password").status_code == http.get("/ui/x/password").status_code == 404
        assert http.get("/uix").json()["error"] == "not found"
    assert httpx.get(f"{servers.internal}/ui/").status_code == 404


def test_the_published_document(servers, database):
    answer = httpx.get(f"{servers.public}/openapi/mender.json")
    document = orjson.loads(answer.content)
    assert document["servers"] == [{"url": "/"}]
    assert "/api/management/v2/devauth/devices" in document["paths"]
    assert not [key for key in str(document).split("'") if key.startswith(("x-transaction", "x-bad", "x-max"))]
    OpenAPIV30SpecValidator(document).validate()
    assert httpx.get(f"{servers.public}/openapi/flotilla.json").status_code == 200
    assert httpx.get(f"{servers.internal}/openapi/flotilla.json").status_code == 200
    assert httpx.get(f"{servers.internal}/openapi/mender.json").status_code == 404
    for name in ("mender.yaml", "MENDER.json", "..%2Fmender.json", "unknown.json"):
        assert httpx.get(f"{servers.public}/openapi/{name}").status_code == 404
