"""External targets (ngenea 1, 4)."""

import shutil
from datetime import timedelta

import pytest

from app.core.db import count_queries
from tests.support.ngenea import make_group
from tests.support.server import free_port
from tests.support.sites import (
    catalogued,
    fs_body,
    join,
    make_bucket,
    make_site,
    make_space,
    make_target,
    ready,
    s3_body,
    settled,
    site_worker,
)

pytestmark = pytest.mark.rule("ngenea 4")


@pytest.fixture
def bucket(root, tmp_path):
    return make_bucket(root, fs_body(tmp_path / "bucket"))


def test_a_target_is_ready_once_its_sites_have_reached_the_bucket(root, london, s3, tmp_path):
    paris = make_site(root, "paris")
    space = make_space(root, "projects", "london", "paris")
    number = make_bucket(root, s3_body(s3))
    body = {"name": "archive", "space": "projects", "bucket_instance": number, "local_file_regex": r"\.mov$"}
    made = root.post("/external_targets/", body)
    path = f"/external_targets/{made['id']}/"
    assert (made["is_ready"], made["enabled"], made["endpoint_name"]) == (False, True, "archive")
    assert made["available_on_sites"] == [london.number, paris]
    assert made["space"] == {
        "id": space,
        "name": "projects",
        "mountpoint": "/projects",
        "sites": [london.number, paris],
    }
    assert (made["bucket"]["id"], made["bucket_instance"]) == (number, number)
    assert root.get(path) == made
    with site_worker("paris", tmp_path / "paris"):
        ready(root, path)


def test_a_bucket_that_is_away_makes_no_target_ready(root, london, s3, monkeypatch):
    monkeypatch.setattr("app.core.work.delay", lambda attempts: timedelta(0))
    make_space(root)
    number = make_bucket(root, {**s3_body(s3), "port": free_port()})
    target = f"/external_targets/{make_target(root, number)}/"
    task = next(task for task in settled(root) if task["tasktype"] == "check_target")
    assert task["state"] == "FAILURE"
    error = root.get(f"/settingstasks/{task['id']}/")["results"]["error"]
    assert error
    assert "\n" not in error
    assert root.get(target)["is_ready"] is False
    root.patch(f"/buckets/{number}/", {"port": s3_body(s3)["port"]})
    ready(root, target)


@pytest.mark.parametrize("form", ["name", "id", "both"])
def test_a_space_is_named_in_three_ways(root, bucket, form):
    make_site(root)
    number = make_space(root)
    space = {"name": "projects", "id": number, "both": {"name": "projects", "mountpoint": "/projects"}}[form]
    target = make_target(root, bucket, space)
    assert root.get(f"/external_targets/{target}/")["space"]["id"] == number


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"local_file_regex": "("}, "local_file_regex"),
        ({"local_file_regex": ""}, "local_file_regex"),
        ({"local_file_regex": r"(?=x)"}, "local_file_regex"),
        ({"space": "rome"}, "space"),
        ({"space": 77}, "space"),
        ({"space": {"name": "projects", "mountpoint": "/other"}}, "space"),
        ({"bucket_instance": 77}, "bucket_instance"),
        ({"available_on_sites": []}, "available_on_sites"),
        ({"available_on_sites": [77]}, "available_on_sites"),
        ({"backup_only": True}, "backup_site"),
        ({"backup_only": True, "backup_site": 77}, "backup_site"),
        ({"advanced_settings": {"x": 1}}, "advanced_settings"),
    ],
)
def test_what_is_wrong_with_a_target_is_told_by_its_field(root, bucket, body, field):
    make_site(root)
    make_space(root)
    given = {"name": "archive", "space": "projects", "bucket_instance": bucket, "local_file_regex": ".*", **body}
    assert field in root.refused(400, "POST", "/external_targets/", given)
    assert root.get("/external_targets/")["count"] == 0


def test_a_target_for_backups_has_one_of_its_sites(root, bucket):
    make_site(root)
    paris = make_site(root, "paris")
    make_space(root, "projects", "london", "paris")
    path = f"/external_targets/{make_target(root, bucket, backup_only=True, backup_site=paris)}/"
    assert (root.get(path)["backup_only"], root.get(path)["backup_site"]) == (True, paris)
    assert "backup_site" in root.refused(400, "PATCH", path, {"available_on_sites": [paris - 1]})
    assert root.patch(path, {"available_on_sites": [paris]})["available_on_sites"] == [paris]
    assert root.patch(path, {"backup_only": False, "backup_site": None})["backup_site"] is None


def test_a_change_replaces_only_what_is_given(root, london, bucket, tmp_path):
    make_space(root)
    make_space(root, "other")
    path = f"/external_targets/{make_target(root, bucket, delete_on_recall=True)}/"
    ready(root, path)
    changed = root.patch(path, {"enabled": False, "local_file_regex": "x", "is_ready": False, "endpoint_name": "x"})
    assert (changed["enabled"], changed["local_file_regex"], changed["delete_on_recall"]) == (False, "x", True)
    assert (changed["is_ready"], changed["endpoint_name"]) == (True, "archive")
    assert "space" in root.refused(400, "PATCH", path, {"space": "other"})
    assert "local_file_regex" in root.refused(400, "PATCH", path, {"local_file_regex": "("})
    make_target(root, bucket, name="second")
    assert "name" in root.refused(400, "PATCH", path, {"name": "second"})
    another = make_bucket(root, fs_body(tmp_path / "another"))
    assert root.patch(path, {"bucket_instance": another})["is_ready"] is False
    assert ready(root, path)["bucket_instance"] == another
    assert root.get("/external_targets/", page_size=0)["results"][1]["bucket_instance"] == bucket


def test_data_of_files_keeps_a_target(root, bucket, tmp_path):
    london = make_site(root)
    paris = make_site(root, "paris")
    space = make_space(root, "projects", "london", "paris")
    number = make_target(root, bucket)
    path = f"/external_targets/{number}/"
    catalogued(london, space, number, b"/projects/f")
    root.refused(400, "DELETE", path)
    assert "available_on_sites" in root.refused(400, "PATCH", path, {"available_on_sites": [paris]})
    another = make_bucket(root, fs_body(tmp_path / "another"))
    assert "bucket_instance" in root.refused(400, "PATCH", path, {"bucket_instance": another})
    assert root.patch(path, {"available_on_sites": [london]})["available_on_sites"] == [london]


def test_a_target_that_is_deleted_is_not_tried(root, bucket, tmp_path):
    make_site(root)
    make_space(root)
    root.delete(f"/external_targets/{make_target(root, bucket)}/")
    with site_worker("london", tmp_path / "london"):
        states = {task["tasktype"]: task["state"] for task in settled(root)}
    assert states == {"create_space": "SUCCESS", "check_target": "FAILURE"}


def test_targets_are_found_by_bucket(root, bucket, tmp_path):
    make_site(root)
    make_space(root)
    another = make_bucket(root, fs_body(tmp_path / "another"))
    make_target(root, bucket, name="one")
    make_target(root, another, name="two")
    name = root.get(f"/buckets/{another}/")["name"]
    assert [target["name"] for target in root.get("/external_targets/", bucket=name)["results"]] == ["two"]
    assert root.get("/external_targets/", bucket="x")["count"] == 0


def test_a_page_of_targets_is_read_at_once(root, bucket):
    make_site(root)
    make_space(root)
    make_target(root, bucket)
    with count_queries() as few:
        root.get("/external_targets/")
    for number in range(10):
        make_space(root, f"more-{number}")
        make_target(root, bucket, f"more-{number}", f"more-{number}")
    with count_queries() as many:
        assert len(root.get("/external_targets/")["results"]) == 11
    assert many.count == few.count


@pytest.mark.rule("ngenea 2")
def test_who_may_see_and_change_targets(nobody, root, ada, bucket):
    make_site(root)
    space = make_space(root)
    path = f"/external_targets/{make_target(root, bucket)}/"
    body = {"name": "x", "space": "projects", "bucket_instance": bucket, "local_file_regex": "x"}
    for method, at in (("GET", path), ("POST", "/external_targets/"), ("PATCH", path), ("DELETE", path)):
        nobody.refused(401, method, at, body if method in ("POST", "PATCH") else None)
    assert ada.get("/external_targets/")["count"] == 0
    ada.refused(404, "GET", path)
    ada.refused(403, "POST", "/external_targets/", body)
    make_group("seers", "view_space", on=("space", space))
    join("ada", "seers")
    ada.get(path)
    ada.refused(403, "PATCH", path, {"enabled": False})
    ada.refused(403, "DELETE", path)
    make_group("makers", "add_externaltarget", "change_externaltarget")
    join("ada", "makers")
    assert ada.patch(path, {"enabled": False})["enabled"] is False
    assert "bucket_instance" in ada.refused(400, "POST", "/external_targets/", body)
    make_group("openers", "view_bucket")
    join("ada", "openers")
    ada.post("/external_targets/", body)
    make_space(root, "hidden")
    assert "space" in ada.refused(400, "POST", "/external_targets/", {**body, "name": "y", "space": "hidden"})


def test_a_folder_within_a_space_is_no_bucket(root, london):
    ready(root, f"/spaces/{make_space(root)}/")
    bucket = make_bucket(root, fs_body(london.folder / "projects" / "objects"))
    target = make_target(root, bucket)
    task = settled(root)[-1]
    assert task["state"] == "FAILURE"
    assert "projects" in root.get(f"/settingstasks/{task['id']}/")["results"]["error"]
    assert root.get(f"/external_targets/{target}/")["is_ready"] is False


def test_a_new_folder_is_made_where_its_parent_is(root, london, tmp_path, monkeypatch):
    """Unless data is in it already, or its parent is away: then it may be a file system that is not mounted."""
    monkeypatch.setattr("app.core.work.delay", lambda attempts: timedelta(0))
    space = make_space(root)
    folders = {"new": tmp_path / "new", "deep": tmp_path / "not" / "there"}
    targets = {}
    for name, folder in folders.items():
        body = {"name": name, "storage_type": "FS", "migration_target_folder": str(folder)}
        targets[name] = make_target(root, make_bucket(root, body), name=name)
    ready(root, f"/external_targets/{targets['new']}/")
    settled(root)
    assert folders["new"].is_dir()
    assert not folders["deep"].parent.exists()
    assert root.get(f"/external_targets/{targets['deep']}/")["is_ready"] is False
    catalogued(london.number, space, targets["new"], b"/projects/a")
    shutil.rmtree(folders["new"])
    bucket = root.get(f"/external_targets/{targets['new']}/")["bucket_instance"]
    root.patch(f"/buckets/{bucket}/", {"region": "r"})
    settled(root)
    assert root.get(f"/external_targets/{targets['new']}/")["is_ready"] is False
    assert not folders["new"].exists()
