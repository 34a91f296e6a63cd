"""Releases with pages, tags and notes over HTTP (mender 10)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, db, work
from app.mender import artifacts, releases
from models.mender.releases import ArtifactType, Release, ReleaseTag
from tests.support.artifacts import Payload
from tests.support.mender import DEPLOYMENTS, User
from tests.support.uploads import upload

V2 = "/api/management/v2/deployments"
RELEASES = f"{V2}/deployments/releases"


def names(user, **query) -> list[str]:
    answer = user.get(RELEASES, params=query)
    assert answer.status_code == 200, answer.text
    return [entry["name"] for entry in answer.json()]


def tagged(user, name: str, *tags: str) -> None:
    answer = user.call("PUT", f"{RELEASES}/{name}/tags", json=list(tags))
    assert answer.status_code == 204, answer.text


@pytest.mark.rule("mender 4.2")
def test_a_release_from_its_first_artifact_to_its_last(user):
    assert names(user) == []
    first = user.uploaded(name="r", device_types=["a"])
    with clock.freeze(clock.now() + timedelta(hours=1)):
        second = user.uploaded(name="r", device_types=["b"])
    shown = user.get(f"{RELEASES}/r").json()
    assert [artifact["id"] for artifact in shown.pop("artifacts")] == sorted([first, second])
    modified = user.get(f"{DEPLOYMENTS}/artifacts/{second}").json()["modified"]
    assert shown == {"name": "r", "modified": modified, "artifacts_count": 2, "tags": [], "notes": ""}
    assert user.get(RELEASES).json() == [user.get(f"{RELEASES}/r").json()]
    user.call("DELETE", f"{DEPLOYMENTS}/artifacts/{first}")
    assert user.get(f"{RELEASES}/r").json()["artifacts_count"] == 1
    tagged(user, "r", "stable")
    user.call("DELETE", f"{DEPLOYMENTS}/artifacts/{second}")
    assert user.get(f"{RELEASES}/r").status_code == 404
    assert user.get(f"{V2}/releases/all/tags").json() == []
    # A new release of the name begins without the tags of the old one.
    user.uploaded(name="r")
    assert user.get(f"{RELEASES}/r").json()["tags"] == []


def test_notes(user):
    user.uploaded(name="r")
    before = user.get(f"{RELEASES}/r").json()
    with clock.freeze(clock.now() + timedelta(hours=1)):
        assert user.call("PATCH", f"{RELEASES}/r", json={"notes": "second"}).status_code == 204
    after = user.get(f"{RELEASES}/r").json()
    assert after["notes"] == "second"
    assert after["modified"] > before["modified"]
    assert user.call("PATCH", f"{RELEASES}/r", json={"notes": "x" * 1025}).status_code == 400
    assert user.call("PATCH", f"{RELEASES}/r", json={}).status_code == 400
    assert user.call("PATCH", f"{RELEASES}/x", json={"notes": ""}).status_code == 404


def test_tags_are_lower_case_and_once(user):
    user.uploaded(name="r")
    tagged(user, "r", "Stable", "stable", "v1.0", "a_b-c")
    assert user.get(f"{RELEASES}/r").json()["tags"] == ["a_b-c", "stable", "v1.0"]
    assert user.get(f"{V2}/releases/all/tags").json() == ["a_b-c", "stable", "v1.0"]
    tagged(user, "r", "other")
    assert user.get(f"{V2}/releases/all/tags").json() == ["other"]
    for wrong in (["with space"], [""], ["\u00e9"], ["x"] * 21, "stable", [1]):
        assert user.call("PUT", f"{RELEASES}/r/tags", json=wrong).status_code == 400
    assert user.call("PUT", f"{RELEASES}/x/tags", json=["a"]).status_code == 404
    assert user.get(f"{RELEASES}/r").json()["tags"] == ["other"]
    tagged(user, "r")
    assert user.get(f"{RELEASES}/r").json()["tags"] == []


def test_all_releases_together_have_100_tags_at_most(user):
    for number in range(6):
        user.uploaded(name=f"r{number}")
    for number in range(5):
        tagged(user, f"r{number}", *(f"tag-{number}-{tag}" for tag in range(20)))
    answer = user.call("PUT", f"{RELEASES}/r5/tags", json=["one-more"])
    assert answer.status_code == 409
    assert user.get(f"{RELEASES}/r5").json()["tags"] == []
    tagged(user, "r5", "tag-0-0")
    tagged(user, "r0", "new", *(f"tag-0-{tag}" for tag in range(2, 20)))
    assert len(user.get(f"{V2}/releases/all/tags").json()) == 100


def test_pages_order_and_filters(user):
    payload = [Payload(type="rootfs-image", files={"f": b"x"})]
    start = clock.now()
    for hour, (name, options) in enumerate(
        {"beta": {}, "Alpha": {"payloads": payload}, "alpine": {}, "gamma": {"payloads": payload}}.items()
    ):
        with clock.freeze(start + timedelta(hours=hour)):
            user.uploaded(name=name, **options)
    user.uploaded(name="beta", device_types=["other"])
    with clock.freeze(start):
        tagged(user, "gamma", "Stable", "b")
        tagged(user, "beta", "a")
    assert names(user) == names(user, sort="name") == ["Alpha", "alpine", "beta", "gamma"]
    assert names(user, sort="name:desc") == ["gamma", "beta", "alpine", "Alpha"]
    assert names(user, sort="artifacts_count:desc") == ["beta", "gamma", "alpine", "Alpha"]
    assert names(user, sort="tags") == ["Alpha", "alpine", "beta", "gamma"]
    assert names(user, sort="tags:desc") == ["gamma", "beta", "alpine", "Alpha"]
    assert names(user, sort="modified:asc")[-2:] == ["Alpha", "alpine"]
    assert names(user, name="AL") == ["Alpha", "alpine"]
    assert names(user, name="pha") == names(user, name="%") == names(user, name="_lpha") == []
    assert names(user, tag="STABLE") == ["gamma"]
    assert names(user, tag=["stable", "a"]) == ["beta", "gamma"]
    assert names(user, update_type="rootfs-image") == ["Alpha", "gamma"]
    assert names(user, update_type="rootfs") == []
    assert user.get(f"{V2}/releases/all/types").json() == ["rootfs-image", "single-file"]
    answer = user.get(RELEASES, params={"page": 2, "per_page": 3})
    assert [entry["name"] for entry in answer.json()] == ["gamma"]
    assert answer.headers["X-Total-Count"] == "4"
    for wrong in ({"sort": "size"}, {"sort": "name:up"}, {"tag": "a b"}, {"per_page": 501}):
        assert user.get(RELEASES, params=wrong).status_code == 400


def test_a_page_takes_the_same_queries_however_many(user):
    for number in range(4):
        user.uploaded(name=f"r{number}")
        tagged(user, f"r{number}", "t")
    with db.count_queries() as counted:
        assert len(user.get(RELEASES).json()) == 4
    assert counted.count <= 5, counted.statements


def test_releases_are_deleted_all_or_none(user):
    for name in ("a", "b", "c"):
        for device_type in ("x", "y"):
            user.uploaded(name=name, device_types=[device_type])
    deployment = user.deployed("b", "d1")
    refused = user.call("DELETE", RELEASES, params={"name": ["a", "b"]})
    assert (refused.status_code, refused.json()["deployments"]) == (409, [deployment])
    assert names(user) == ["a", "b", "c"]
    assert user.call("DELETE", RELEASES, params={"name": ["a", "c", "unknown"]}).status_code == 204
    assert names(user) == ["b"]
    assert [entry["name"] for entry in user.get(f"{DEPLOYMENTS}/artifacts").json()] == ["b", "b"]
    with db.read():
        assert work.count()["mender.remove_file", "queued"] == 4
    user.call("PUT", f"{DEPLOYMENTS}/deployments/{deployment}/status", json={"status": "aborted"})
    assert user.call("DELETE", RELEASES, params={"name": "b"}).status_code == 204
    with db.read():
        assert [model.select().count() for model in (Release, ReleaseTag, ArtifactType)] == [0, 0, 0]
    assert user.call("DELETE", RELEASES).status_code == 400


def test_one_tenant_sees_nothing_of_another(http, user):
    other = User(http, tenant="a" * 24, email="other@example.com")
    other.uploaded(name="theirs")
    tagged(other, "theirs", "t")
    assert names(user) == []
    assert user.get(f"{RELEASES}/theirs").status_code == 404
    assert user.call("PUT", f"{RELEASES}/theirs/tags", json=[]).status_code == 404
    assert user.call("DELETE", RELEASES, params={"name": "theirs"}).status_code == 204
    assert user.get(f"{V2}/releases/all/tags").json() == user.get(f"{V2}/releases/all/types").json() == []
    assert names(other) == ["theirs"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=12))
def test_releases_are_what_the_artifacts_say(database, steps):
    """Uploads and deletions in any order: names and counts are those of the artifacts that are left."""
    present: list[tuple[str, str]] = []
    for number, (name, adds) in enumerate(steps):
        if adds:
            present.append((name, upload(name=name, device_types=[f"type-{number}"])))
        elif present:
            artifacts.delete("", present.pop(0)[1])
    with db.read():
        found = {
            release.name: release.artifacts_count
            for release in releases.list_releases("", None, None, None, "name", 1, 100)[0]
        }
    assert found == {name: sum(n == name for n, _ in present) for name, _ in present}
    for _, artifact_id in present:
        artifacts.delete("", artifact_id)
