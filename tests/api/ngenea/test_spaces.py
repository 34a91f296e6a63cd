"""Spaces and their folders (ngenea 1, 4)."""

import os
from datetime import timedelta

import pytest

from app.core.db import count_queries
from tests.support.ngenea import Hub, make_group
from tests.support.racing import race
from tests.support.sites import (
    catalogued,
    fs_body,
    join,
    make_bucket,
    make_site,
    make_space,
    make_target,
    ready,
    settled,
    site_worker,
)


@pytest.mark.rule("ngenea 4")
def test_a_space_is_ready_once_its_folder_is_there(root, tmp_path):
    make_site(root)
    body = {"name": "projects", "mountpoint": "/mmfs1/data/projects/", "sites": [{"name": "london", "label": "x"}]}
    made = root.post("/spaces/", body)
    path = f"/spaces/{made['id']}/"
    assert (made["is_ready"], made["on_sites"], made["mountpoint"]) == (False, [], "/mmfs1/data/projects")
    assert root.get(path) == made
    assert root.get("/settingstasks/")["results"][0]["state"] == "PENDING"
    with site_worker("london", tmp_path / "london"):
        assert ready(root, path)["on_sites"] == ["london"]
    assert (tmp_path / "london/mmfs1/data/projects").is_dir()


def test_a_space_on_two_sites_is_ready_when_both_have_it(root, london, tmp_path):
    make_site(root, "paris")
    path = f"/spaces/{make_space(root, 'projects', 'london', 'paris')}/"
    with site_worker("paris", tmp_path / "paris"):
        assert ready(root, path)["on_sites"] == ["london", "paris"]
    assert (tmp_path / "paris/projects").is_dir()


def test_a_folder_that_cannot_be_made_is_told_and_tried_again(root, london, monkeypatch):
    monkeypatch.setattr("app.core.work.delay", lambda attempts: timedelta(0))
    (london.folder / "taken").write_text("a file is in the way")
    number = make_space(root, mountpoint="/taken/projects")
    task = settled(root)[0]
    assert task["state"] == "FAILURE"
    detail = root.get(f"/settingstasks/{task['id']}/")
    assert "/taken/projects: Not a directory" in detail["results"]["error"]
    assert root.get(f"/spaces/{number}/")["is_ready"] is False
    (london.folder / "taken").unlink()
    root.patch(f"/spaces/{number}/", {"sites": [{"name": "london"}]})
    ready(root, f"/spaces/{number}/")


@pytest.mark.rule("ngenea 8")
def test_a_folder_is_never_made_through_a_link(root, london, tmp_path, monkeypatch):
    monkeypatch.setattr("app.core.work.delay", lambda attempts: timedelta(0))
    (tmp_path / "outside").mkdir()
    (london.folder / "link").symlink_to(tmp_path / "outside")
    number = make_space(root, mountpoint="/link/projects")
    assert settled(root)[0]["state"] == "FAILURE"
    assert list((tmp_path / "outside").iterdir()) == []
    assert root.get(f"/spaces/{number}/")["is_ready"] is False


@pytest.mark.rule("ngenea 8")
@pytest.mark.parametrize(("shown", "name"), [("/caf\uf7e9", b"caf\xe9"), ("/two\nlines", b"two\nlines")])
def test_a_mount_point_is_bytes(root, london, shown, name):
    ready(root, f"/spaces/{make_space(root, mountpoint=shown)}/")
    assert name in [os.fsencode(entry.name) for entry in london.folder.iterdir()]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mountpoint": "/"}, "mountpoint"),
        ({"mountpoint": "//"}, "mountpoint"),
        ({"mountpoint": "relative/path"}, "mountpoint"),
        ({"mountpoint": "/a/../../etc"}, "mountpoint"),
        ({"mountpoint": "/a/./b"}, "mountpoint"),
        ({"mountpoint": "/a//b"}, "mountpoint"),
        ({"mountpoint": None}, "mountpoint"),
        ({"mountpoint": "/" + "\u00e9" * 128}, "mountpoint"),
        ({"name": "a/b"}, "name"),
        ({"name": ".."}, "name"),
        ({"name": " a"}, "name"),
        ({"sites": []}, "sites"),
        ({"sites": [{"name": "rome"}]}, "sites"),
        ({"size": -1}, "size"),
        ({"snapshot_schedule": {}}, "snapshot_schedule"),
        ({"permission_mode": "x", "snapshot_schedule": {}}, "permission_mode"),
    ],
)
def test_what_is_wrong_with_a_space_is_told_by_its_field(root, body, field):
    make_site(root)
    given = {"name": "projects", "mountpoint": "/projects", "sites": [{"name": "london"}], **body}
    assert field in root.refused(400, "POST", "/spaces/", given)
    assert root.get("/spaces/")["count"] == root.get("/settingstasks/")["count"] == 0


def test_names_and_mount_points_are_there_once(root):
    make_site(root)
    make_site(root, "paris")
    make_space(root, "one", mountpoint="/data")
    two = {"name": "two", "mountpoint": "/data/", "sites": [{"name": "london"}]}
    assert "mountpoint" in root.refused(400, "POST", "/spaces/", two)
    assert "name" in root.refused(400, "POST", "/spaces/", {**two, "name": "one", "mountpoint": "/x"})
    number = make_space(root, "two", "paris", mountpoint="/data")
    assert "mountpoint" in root.refused(
        400, "PATCH", f"/spaces/{number}/", {"sites": [{"name": "london"}, {"name": "paris"}]}
    )
    assert "name" in root.refused(400, "PATCH", f"/spaces/{number}/", {"name": "one"})


def test_a_change_replaces_only_what_is_given(root):
    make_site(root)
    path = f"/spaces/{make_space(root, size=100, color=[1, 2, 3])}/"
    changed = root.patch(path, {"size": 0, "uuid": "x", "is_ready": True, "mountpoint": "/projects"})
    assert (changed["size"], changed["color"], changed["name"]) == (0, [1, 2, 3], "projects")
    assert changed["is_ready"] is False
    assert root.patch(path, {"name": "renamed", "size": None})["size"] is None
    assert "mountpoint" in root.refused(400, "PATCH", path, {"mountpoint": "/elsewhere"})


def test_sites_are_replaced_whole(root, london):
    make_site(root, "paris")
    path = f"/spaces/{make_space(root)}/"
    ready(root, path)
    both = root.patch(path, {"sites": [{"name": "paris"}, {"name": "london"}]})
    assert (both["on_sites"], both["is_ready"]) == (["london"], False)
    only = root.patch(path, {"sites": [{"name": "london"}]})
    assert (only["is_ready"], [site["name"] for site in only["sites"]]) == (True, ["london"])


def test_what_refers_to_a_space_keeps_it(root, london, tmp_path):
    make_site(root, "paris")
    outer = make_space(root, "outer", "london", "paris", mountpoint="/data")
    inner = make_space(root, "inner", mountpoint="/data/inner")
    make_space(root, "beside", mountpoint="/database")
    path = f"/spaces/{outer}/"
    assert root.get(path)["relationships"] == [{"type": "space", "id": inner, "name": "inner"}]
    root.refused(400, "DELETE", path)
    target = make_target(
        root, make_bucket(root, fs_body(tmp_path / "bucket")), "outer", available_on_sites=[london.number]
    )
    assert {"type": "external_target", "id": target, "name": "archive"} in root.get(path)["relationships"]
    assert "sites" in root.refused(400, "PATCH", path, {"sites": [{"name": "paris"}]})
    root.patch(path, {"sites": [{"name": "london"}]})
    root.delete(f"/spaces/{inner}/")
    root.refused(400, "DELETE", path)
    catalogued(london.number, outer, target, b"/data/f")
    root.refused(400, "DELETE", f"/external_targets/{target}/")
    root.refused(400, "DELETE", path)


def test_a_deleted_space_leaves_its_files(root, london):
    number = make_space(root)
    ready(root, f"/spaces/{number}/")
    (london.folder / "projects/file").write_text("kept")
    root.delete(f"/spaces/{number}/")
    root.refused(404, "GET", f"/spaces/{number}/")
    assert (london.folder / "projects/file").read_text() == "kept"


def test_a_space_that_is_deleted_gets_no_folder(root, tmp_path):
    make_site(root)
    root.delete(f"/spaces/{make_space(root)}/")
    with site_worker("london", tmp_path / "london"):
        task = settled(root)[0]
    assert task["state"] == "FAILURE"
    assert "any more" in root.get(f"/settingstasks/{task['id']}/")["results"]["error"]
    assert list((tmp_path / "london").iterdir()) == []


def test_two_spaces_are_not_made_at_one_mount_point(root):
    make_site(root)

    def make(name):
        body = {"name": name, "mountpoint": "/data", "sites": [{"name": "london"}]}
        return lambda: root.call("POST", "/spaces/", body).status_code

    assert sorted(race(*[make(name) for name in "abcd"])) == [201, 400, 400, 400]
    assert root.get("/spaces/")["count"] == root.get("/settingstasks/")["count"] == 1


def test_spaces_are_found_by_site_and_keyword(root):
    london = make_site(root)
    paris = make_site(root, "paris")
    make_space(root, "projects", mountpoint="/mmfs1/x")
    make_space(root, "100%", "paris", mountpoint="/y")

    def found(**query):
        return [space["name"] for space in root.get("/spaces/", **query)["results"]]

    assert found(site_id=london) == ["projects"]
    assert found(site_id=paris) == ["100%"]
    assert found(search_keyword="PROJ") == ["projects"]
    assert found(search_keyword="mmfs") == ["projects"]
    assert found(search_keyword="0%") == ["100%"]
    assert found(search_keyword="%%") == []
    root.refused(400, "GET", "/spaces/", params={"site_id": "london"})


def test_a_page_of_spaces_is_read_at_once(root):
    make_site(root)
    make_space(root, "one")
    with count_queries() as few:
        root.get("/spaces/")
    for number in range(15):
        make_space(root, f"more-{number}", mountpoint=f"/one/{number}")
    with count_queries() as many:
        assert len(root.get("/spaces/")["results"]) == 16
    assert many.count == few.count


@pytest.mark.rule("ngenea 2")
def test_what_may_not_be_seen_keeps_a_space_and_has_no_name(root, ada, tmp_path):
    make_site(root)
    outer = make_space(root, "outer", mountpoint="/data")
    make_space(root, "inner", mountpoint="/data/inner")
    make_group("owners", "view_space", "delete_space", on=("space", outer))
    join("ada", "owners")
    assert ada.get(f"/spaces/{outer}/")["relationships"] == []
    assert "inner" not in str(ada.refused(400, "DELETE", f"/spaces/{outer}/"))
    assert root.refused(400, "DELETE", f"/spaces/{outer}/") == {"detail": "It is in use by the space inner."}


@pytest.mark.rule("ngenea 2")
def test_who_may_see_and_change_spaces(nobody, root, ada):
    make_site(root)
    number = make_space(root)
    make_space(root, "hidden")
    path = f"/spaces/{number}/"
    body = {"name": "x", "mountpoint": "/x", "sites": [{"name": "london"}]}
    for method, at in (("GET", "/spaces/"), ("GET", path), ("POST", "/spaces/"), ("PATCH", path), ("DELETE", path)):
        nobody.refused(401, method, at, body if method in ("POST", "PATCH") else None)
    assert ada.get("/spaces/")["count"] == 0
    ada.refused(404, "GET", path)
    ada.refused(404, "PATCH", path, {"size": 1})
    ada.refused(403, "POST", "/spaces/", body)
    make_group("seers", "view_space", on=("space", number))
    join("ada", "seers")
    assert [space["name"] for space in ada.get("/spaces/")["results"]] == ["projects"]
    assert ada.get(path)["editable"] is False
    ada.refused(403, "PATCH", path, {"size": 1})
    ada.refused(403, "DELETE", path)
    make_group("changers", "change_space", on=("space", number))
    join("ada", "changers")
    assert ada.patch(path, {"size": 1})["editable"] is True
    assert "sites" in ada.refused(400, "PATCH", path, {"sites": [{"name": "london"}]})
    make_group("makers", "add_space", "delete_space")
    join("ada", "makers")
    assert "sites" in ada.refused(400, "POST", "/spaces/", body)
    key = ada.post("/auth/clientkeys/", {"name": "k"})["api_key"]
    Hub(ada.http, f"Api-Key {key}").delete(path)
