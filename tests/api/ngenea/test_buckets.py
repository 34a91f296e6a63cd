"""Buckets: how to get in, and whether that works (ngenea 4, 8)."""

import pytest

from app.core import db
from app.ngenea.objects import unseal_secrets
from models.ngenea.sites import Bucket
from tests.support.ngenea import make_group, make_user
from tests.support.server import free_port
from tests.support.sites import fs_body, join, make_bucket, make_site, make_space, make_target, ready, s3_body, settled

pytestmark = pytest.mark.rule("ngenea 4")
MASK = "********"
BODY = {"name": "archive-2026", "storage_type": "S3", "access_key_id": "who", "secret_access_key": "a-secret"}


def sealed(number):
    with db.read():
        return unseal_secrets(Bucket.get_by_id(number).secrets)


def test_secrets_are_kept_and_never_shown(root):
    made = root.post("/buckets/", {**BODY, "endpoint": "s3.example.com", "port": 9000})
    assert (made["access_key_id"], made["secret_access_key"]) == (MASK, MASK)
    assert (made["scheme"], made["ssl_verify"], made["external_targets"]) == ("https", True, [])
    path = f"/buckets/{made['id']}/"
    assert root.get(path) == made == root.get("/buckets/")["results"][0]
    assert sealed(made["id"]) == {"access_key_id": "who", "secret_access_key": "a-secret"}
    with db.read():
        assert "a-secret" not in str(db.rows("SELECT * FROM ngenea_bucket"))
    back = root.patch(path, {**made, "label": "Archive"})
    assert back["label"] == "Archive"
    assert sealed(made["id"])["secret_access_key"] == "a-secret"
    root.patch(path, {"secret_access_key": "another", "access_key_id": MASK})
    assert sealed(made["id"]) == {"access_key_id": "who", "secret_access_key": "another"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"storage_type": "Azure"}, "storage_type"),
        ({"storage_type": "GCS"}, "storage_type"),
        ({"secret_access_key": ""}, "secret_access_key"),
        ({"secret_access_key": MASK}, "secret_access_key"),
        ({"access_key_id": None}, "access_key_id"),
        ({"name": "a/../b"}, "name"),
        ({"name": ".."}, "name"),
        ({"port": 0}, "port"),
        ({"scheme": "ftp"}, "scheme"),
        ({"endpoint": "host/path/of"}, "endpoint"),
        ({"endpoint": "user@host"}, "endpoint"),
        ({"endpoint": "256.1.1.1"}, "endpoint"),
        ({"endpoint": "::::"}, "endpoint"),
        ({"endpoint": "a..b"}, "endpoint"),
        ({"endpoint": "host:70000"}, "endpoint"),
        ({"endpoint": "host:9000", "port": 9000}, "endpoint"),
        ({"endpoint": "http://host", "scheme": "https"}, "endpoint"),
        ({"migration_target_folder": "/srv"}, "migration_target_folder"),
        ({"advanced_settings": {"x": 1}}, "advanced_settings"),
        ({"container": "x"}, "container"),
        ({"storage_type": "FS"}, "migration_target_folder"),
        ({"storage_type": "FS", "migration_target_folder": "srv"}, "migration_target_folder"),
        ({"storage_type": "FS", "migration_target_folder": "/srv/../etc"}, "migration_target_folder"),
        ({"storage_type": "FS", "migration_target_folder": "/srv"}, "access_key_id"),
    ],
)
def test_what_is_wrong_with_a_bucket_is_told_by_its_field(root, body, field):
    refused = root.refused(400, "POST", "/buckets/", {**BODY, **body})
    assert field in refused
    assert "a-secret" not in str(refused)
    assert root.get("/buckets/")["count"] == 0


def test_a_bucket_keeps_its_type_and_needs_its_keys(root):
    path = f"/buckets/{make_bucket(root, BODY)}/"
    assert "storage_type" in root.refused(400, "PATCH", path, {"storage_type": "DS3"})
    assert "secret_access_key" in root.refused(400, "PATCH", path, {"secret_access_key": None})
    make_bucket(root, {**BODY, "name": "other"})
    assert "name" in root.refused(400, "PATCH", path, {"name": "other"})
    assert "name" in root.refused(400, "POST", "/buckets/", BODY)


def test_a_bucket_is_tried_for_real(root, s3):
    number = make_bucket(root, s3_body(s3))
    assert root.post(f"/buckets/{number}/check/")["ok"] is True
    root.patch(f"/buckets/{number}/", {"port": free_port()})
    tried = root.post(f"/buckets/{number}/check/")
    assert tried["ok"] is False
    assert "\n" not in tried["message"]
    assert tried["message"]
    root.patch(f"/buckets/{number}/", {"port": s3_body(s3)["port"], "name": "no-such-bucket"})
    assert root.post(f"/buckets/{number}/check/")["ok"] is False


def test_an_endpoint_may_have_scheme_and_port(root, s3):
    body = {name: value for name, value in s3_body(s3).items() if name not in ("scheme", "port")}
    made = root.post("/buckets/", {**body, "endpoint": s3})
    assert (made["endpoint"], made["scheme"], made["port"]) == (s3, "http", None)
    assert root.post(f"/buckets/{made['id']}/check/")["ok"] is True
    path = f"/buckets/{make_bucket(root, {**BODY, 'endpoint': '[::1]:9000'})}/"
    assert root.patch(path, {"endpoint": s3})["scheme"] == "http"
    assert "endpoint" in root.refused(400, "PATCH", path, {"scheme": "https"})


def test_a_folder_is_tried_from_a_site(root, london, tmp_path):
    number = make_bucket(root, fs_body(tmp_path / "bucket"))
    assert "site" in root.refused(400, "POST", f"/buckets/{number}/check/")
    assert "site" in root.refused(400, "POST", f"/buckets/{number}/check/", params={"site": "rome"})
    assert root.post(f"/buckets/{number}/check/", params={"site": "london"})["ok"] is True
    (tmp_path / "bucket").rename(tmp_path / "elsewhere")
    assert root.post(f"/buckets/{number}/check/", params={"site": "london"})["ok"] is False
    make_site(root, "paris")
    assert "paris" in root.refused(504, "POST", f"/buckets/{number}/check/", params={"site": "paris"})["detail"]


def test_a_change_has_the_targets_try_anew(root, london, s3):
    make_space(root)
    number = make_bucket(root, s3_body(s3))
    target = f"/external_targets/{make_target(root, number)}/"
    ready(root, target)
    root.patch(f"/buckets/{number}/", {"label": "only a label"})
    assert root.get(target)["is_ready"] is True
    root.patch(f"/buckets/{number}/", {"port": free_port()})
    assert root.get(target)["is_ready"] is False
    root.patch(f"/buckets/{number}/", {"port": s3_body(s3)["port"]})
    ready(root, target)
    assert root.get(target)["bucket"]["secret_access_key"] == MASK
    tasks = [task["tasktype"] for task in settled(root)]
    assert tasks.count("check_target") == 3


def test_a_bucket_with_targets_stays(root, tmp_path):
    make_site(root)
    make_space(root)
    number = make_bucket(root, fs_body(tmp_path / "bucket"))
    target = make_target(root, number)
    assert root.get(f"/buckets/{number}/")["external_targets"] == [target]
    root.refused(400, "DELETE", f"/buckets/{number}/")
    root.delete(f"/external_targets/{target}/")
    root.delete(f"/buckets/{number}/")
    root.refused(404, "GET", f"/buckets/{number}/")


@pytest.mark.rule("ngenea 2")
def test_who_may_see_and_change_buckets(nobody, root, ada):
    number = make_bucket(root, BODY)
    path = f"/buckets/{number}/"
    for method, at in (("GET", path), ("POST", "/buckets/"), ("PATCH", path), ("DELETE", path)):
        nobody.refused(401, method, at, BODY if method in ("POST", "PATCH") else None)
    nobody.refused(401, "POST", f"{path}check/")
    assert ada.get("/buckets/")["count"] == 0
    ada.refused(404, "GET", path)
    ada.refused(404, "POST", f"{path}check/")
    ada.refused(403, "POST", "/buckets/", BODY)
    join("ada", "Users")
    ada.refused(404, "GET", path)
    make_group("seers", "view_bucket", on=("bucket", number))
    join("ada", "seers")
    assert ada.get(path)["secret_access_key"] == MASK
    ada.refused(403, "POST", f"{path}check/")
    ada.refused(403, "PATCH", path, {"label": "x"})
    ada.refused(403, "DELETE", path)
    make_group("changers", "change_bucket", "add_bucket")
    join("ada", "changers")
    assert ada.patch(path, {"label": "x"})["label"] == "x"
    ada.post("/buckets/", {**BODY, "name": "mine"})


@pytest.mark.rule("ngenea 8")
def test_only_who_may_add_buckets_says_where_they_are(nobody, root, tmp_path):
    """An endpoint may be a host that nobody else reaches, a folder any of a host."""
    s3 = root.post("/buckets/", {**BODY, "endpoint": "s3.example.com"})
    folder = root.post("/buckets/", fs_body(tmp_path))
    make_group("keepers", "change_bucket")
    make_group("adders", "change_bucket", "add_bucket")
    make_user("kim", "keepers")
    make_user("abe", "adders")
    kim, abe = nobody.log_in("kim"), nobody.log_in("abe")
    for made, change in (
        (s3, {"endpoint": "127.0.0.1"}),
        (s3, {"port": 1}),
        (s3, {"scheme": "http"}),
        (folder, {"migration_target_folder": "/etc"}),
    ):
        path = f"/buckets/{made['id']}/"
        kim.refused(403, "PATCH", path, change)
        assert kim.patch(path, {**made, "label": "kept"}) == {**made, "label": "kept"}
        abe.patch(path, change)
        root.patch(path, made)
