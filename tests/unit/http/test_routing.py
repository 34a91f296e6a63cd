"""Routing: literal beats template, order never matters, slashes are exact, Allow is complete (design section 3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.routing import Router

TEMPLATES = ["/f/me", "/f/{id}", "/f/{id}/x", "/f/me/{name}", "/{a}/{b}", "/f", "/v1/bye/{p}", "/v1/{a}/{b}"]


def router(*routes: tuple[str, str]) -> Router[str]:
    made: Router[str] = Router()
    for method, template in routes:
        made.add(method, template, f"{method} {template}")
    return made


@given(st.permutations(TEMPLATES))
def test_registration_order_never_matters(order):
    made = router(*[("GET", template) for template in order])
    assert made.match("GET", "/f/me") == ("GET /f/me", {})
    assert made.match("GET", "/f/7") == ("GET /f/{id}", {"id": "7"})
    assert made.match("GET", "/f/me/x") == ("GET /f/me/{name}", {"name": "x"})
    assert made.match("GET", "/f/7/x") == ("GET /f/{id}/x", {"id": "7"})
    assert made.match("GET", "/g/h") == ("GET /{a}/{b}", {"a": "g", "b": "h"})
    assert made.match("GET", "/v1/bye/z") == ("GET /v1/bye/{p}", {"p": "z"})


def test_the_method_decides_between_a_literal_and_a_template():
    made = router(("GET", "/f/me"), ("DELETE", "/f/{id}"))
    assert made.match("DELETE", "/f/me") == ("DELETE /f/{id}", {"id": "me"})
    assert made.allowed("/f/me") == ["DELETE", "GET", "HEAD", "OPTIONS"]
    assert made.allowed("/f/other") == ["DELETE", "OPTIONS"]


@pytest.mark.parametrize("path", ["/f/", "/f//", "//f", "f", "", "*", "/f/me/", "/F/me", "/f//x", "/"])
def test_slashes_and_case_are_exact(path):
    made = router(*[("GET", template) for template in TEMPLATES if template != "/{a}/{b}"])
    assert made.match("GET", path) is None
    assert made.allowed(path) == []


def test_head_is_answered_by_get_unless_the_spec_has_its_own():
    made = router(("GET", "/f"), ("GET", "/g"), ("HEAD", "/g"))
    assert made.match("HEAD", "/f") == ("GET /f", {})
    assert made.match("HEAD", "/g") == ("HEAD /g", {})
    assert made.match("POST", "/f") is None


def test_two_operations_of_one_shape_are_refused():
    made = router(("GET", "/f/{id}"))
    with pytest.raises(ValueError, match="twice"):
        made.add("GET", "/f/{name}", "again")


segments = st.sampled_from(["a", "b", "{p}", "{q}"])
templates = st.lists(segments, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(
    st.lists(templates, unique_by=lambda t: t.replace("{q}", "{p}"), max_size=8),
    st.lists(st.sampled_from("abc"), max_size=4),
)
def test_a_match_fits_and_is_the_most_literal(registered, parts):
    made = router(*[("GET", template) for template in registered])
    path = "/" + "/".join(parts)

    def fits(template: str) -> bool:
        own = template.split("/")[1:]
        return len(own) == len(parts) and all(o.startswith("{") or o == p for o, p in zip(own, parts, strict=True))

    best = sorted((t for t in registered if fits(t)), key=lambda t: [s.startswith("{") for s in t.split("/")])
    found = made.match("GET", path)
    assert (found[0] if found else None) == (f"GET {best[0]}" if best else None)
