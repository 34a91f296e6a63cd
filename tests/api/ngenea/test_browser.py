"""Looking at files (ngenea 3.8, 8)."""

import os
import socket
import threading
from datetime import timedelta

import pytest

from app.core import clock, db
from app.ngenea import browser, questions
from models.ngenea.sites import Node
from tests.support.ngenea import make_group
from tests.support.sites import (
    catalogued,
    fs_body,
    join,
    make_bucket,
    make_site,
    make_space,
    make_target,
    ready,
    site_worker,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.rule("ngenea 3.8")
S3 = {"name": "silent", "storage_type": "S3", "scheme": "http", "access_key_id": "who", "secret_access_key": "secret"}


@pytest.fixture
def space(root, london):
    """A space with a folder, at /projects of london."""
    number = make_space(root)
    ready(root, f"/spaces/{number}/")
    return number


def look(hub, path, **query):
    return hub.done("GET", "/file/", params={"path": path, "site": "london", **query})


def names(entry):
    return [child["name"] for child in entry["children"]["results"]]


def test_a_folder_and_its_children(root, london, space):
    folder = london.folder / "projects"
    (folder / "b.txt").write_bytes(b"x" * 5000)
    (folder / "a").mkdir()
    (folder / ".hidden").write_text("")
    (folder / "link").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    os.utime(folder / "b.txt", ns=(1_000_000_000_123_456_789, 2_000_000_000_000_000_000))
    (folder / "b.txt").chmod(0o640)
    seen = look(root, "/projects/", details="true")
    assert (seen["name"], seen["path"], seen["site"], seen["type"]) == ("projects", "/projects", "london", "directory")
    assert (seen["error"], seen["path_depth"], seen["status"]) == (None, 1, None)
    assert names(seen) == ["a", "b.txt", "link", "pipe"]
    assert [child["type"] for child in seen["children"]["results"]] == ["directory", "file", "symlink", "other"]
    file = seen["children"]["results"][1]
    found = (folder / "b.txt").stat()
    assert (file["size"], file["data_size"]) == (5000, found.st_blocks * 512)
    assert (file["atime"], file["mtime"]) == ("2001-09-09T01:46:40.123456Z", "2033-05-18T03:33:20.000000Z")
    assert file["metadata"] == {
        "mode": "0640",
        "uid": found.st_uid,
        "gid": found.st_gid,
        "inode": found.st_ino,
        "links": 1,
    }
    assert (file["status"], file["remote_locations"], file["path"]) == ("resident", [], "/projects/b.txt")
    assert names(look(root, "/projects", restricted="1")) == [".hidden", "a", "b.txt", "link", "pipe"]
    assert names(look(root, "/projects", type="file")) == ["b.txt"]
    assert names(look(root, "/projects", type="file", restricted="true")) == [".hidden", "b.txt"]
    short = look(root, "/projects")["children"]["results"][1]
    assert set(short) == {"name", "path", "site", "url", "type", "path_depth", "restricted"}
    one = look(root, "/projects/b.txt")
    assert (one["children"], one["size"]) == (None, 5000)
    assert root.http.get(one["url"], headers={"Authorization": root.credential}).json()["path"] == "/projects/b.txt"


def test_the_catalogue_says_where_the_data_is(root, london, space, tmp_path):
    target = make_target(root, make_bucket(root, fs_body(tmp_path / "bucket")))
    for name in ("here", "both", "gone"):
        (london.folder / "projects" / name).write_text(name)
    catalogued(london.number, space, target, b"/projects/both", "premigrated")
    catalogued(london.number, space, target, b"/projects/gone", "migrated")
    seen = look(root, "/projects", details="true")
    status = {child["name"]: child["status"] for child in seen["children"]["results"]}
    assert status == {"here": "resident", "both": "premigrated", "gone": "migrated"}
    assert look(root, "/projects/gone")["remote_locations"] == [{"target": "archive", "key": "projects/key"}]


def test_children_come_in_pages(root, london, space):
    for number in range(45):
        (london.folder / "projects" / f"{number:02}").touch()
    first = look(root, "/projects", page_size="20", details="true")
    assert (first["children"]["count"], first["children"]["previous"]) == (45, None)
    found, at = names(first), first["children"]["next"]
    while at:
        page = root.http.get(at, headers={"Authorization": root.credential}).json()
        found += names(page)
        at = page["children"]["next"]
    assert found == [f"{number:02}" for number in range(45)]
    assert names(look(root, "/projects", page="last")) == [f"{number}" for number in range(40, 45)]
    assert len(names(look(root, "/projects", page_size="0"))) == 45
    assert len(names(look(root, "/projects", page_size="5"))) == 20
    for page in ("4", "0", "x"):
        assert root.refused(404, "GET", "/file/", params={"path": "/projects", "site": "london", "page": page})


@pytest.mark.rule("ngenea 8")
@pytest.mark.parametrize(
    "name", [b"two\nlines", b"caf\xe9", "caf\u00e9".encode(), b"\xff\xfe", "\uf7e9".encode(), b"%2e +&?"]
)
def test_every_name_leads_back(root, london, space, name):
    folder = os.fsencode(london.folder / "projects")
    with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123
        file.write(b"1234567")
    child = look(root, "/projects")["children"]["results"][0]
    assert look(root, child["path"])["size"] == 7
    assert root.http.get(child["url"], headers={"Authorization": root.credential}).json()["size"] == 7


@pytest.mark.rule("ngenea 8")
def test_nothing_leads_out_of_the_root(root, london, space, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    (london.folder / "projects/link").symlink_to(tmp_path / "outside")
    (london.folder / "projects/etc").symlink_to("/etc")
    for path in ("/../etc", "/projects/..", "/projects/../../etc", "/projects/./a", "projects", "/projects//a"):
        assert "path" in root.refused(400, "GET", "/file/", params={"path": path, "site": "london"})
        query = {"path": path}
        if path != "projects":
            assert "path" in root.refused(400, "GET", f"/spaces/{space}/files/", params=query)
    for path in ("/projects/link/secret", "/projects/etc/passwd", "/projects/none", "/projects/none/none"):
        root.refused(404, "GET", "/file/", params={"path": path, "site": "london"})
    link = look(root, "/projects/link")
    assert (link["type"], link["children"]) == ("symlink", None)
    root.refused(400, "GET", "/file/", params={"path": "/a\0b", "site": "london"})


def test_path_and_site_are_required(root, london):
    refused = root.refused(400, "GET", "/file/")
    assert set(refused) == {"path", "site"}
    root.refused(404, "GET", "/file/", params={"path": "/", "site": "rome"})
    root.refused(400, "GET", "/file/", params={"path": "/", "site": "london", "type": "x"})
    root.refused(400, "GET", "/file/", params={"path": "/", "site": "london", "cache_ttl": "-1"})
    assert look(root, "/")["path"] == "/"


def test_a_site_without_a_worker_is_told_at_once(root):
    make_site(root)
    seen = look(root, "/a/b")
    assert "online" in seen["error"]
    assert (seen["children"], seen["time_refreshed"]) == (None, None)
    assert (seen["name"], seen["path"], seen["site"]) == ("b", "/a/b", "london")
    query = {"path": "/", "site": "london", "raise_exception": "true"}
    assert "online" in root.refused(504, "GET", "/file/", params=query)["detail"]
    with db.read():
        assert db.rows("SELECT 1 FROM core_work WHERE kind = 'ngenea.browse'") == []


def test_a_worker_that_hangs_is_told_and_leaves_nothing(root, monkeypatch):
    number = make_site(root)
    with db.write():
        Node.create(site=number, name="n", last_heartbeat_ts=clock.now())
    monkeypatch.setattr(browser, "SECONDS", 0.3)
    assert "in time" in look(root, "/")["error"]
    query = {"path": "/", "site": "london", "raise_exception": "true"}
    assert "in time" in root.refused(504, "GET", "/file/", params=query)["detail"]
    with db.read():
        assert db.rows("SELECT 1 FROM core_work WHERE kind = 'ngenea.browse'") == []
        assert db.rows("SELECT 1 FROM ngenea_question") == []


def test_what_askers_left_is_forgotten(root):
    number = make_site(root)
    with db.write():
        questions._put([number], {"kind": "look"}, -100)
    questions.purge()
    with db.read():
        assert db.rows("SELECT 1 FROM core_work WHERE kind = 'ngenea.browse'") == []
        assert db.rows("SELECT 1 FROM ngenea_question") == []


def test_a_worker_that_fails_is_a_fault_of_the_server(root, london, monkeypatch):
    def fail(site, question):
        raise KeyError("hidden")

    monkeypatch.setitem(questions._answers, "look", fail)
    assert root.refused(500, "GET", "/file/", params={"path": "/", "site": "london"}) == {"detail": "internal error"}


def test_no_more_than_some_wait(root, monkeypatch):
    number = make_site(root)
    with db.write():
        Node.create(site=number, name="n", last_heartbeat_ts=clock.now())
    monkeypatch.setattr(questions, "PATIENCE", 0.01)
    monkeypatch.setitem(questions.SEATS, questions.LOOK, threading.BoundedSemaphore(1))
    with questions.seat(questions.LOOK):
        root.refused(503, "GET", "/file/", params={"path": "/", "site": "london"})


def test_a_folder_that_cannot_be_read_is_told(root, london, space, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("app.ngenea.looking._children", refuse)
    seen = look(root, "/projects")
    assert (seen["error"], seen["children"]) == ("/projects: Permission denied", None)
    root.refused(404, "GET", "/file/", params={"path": "/projects/" + 300 * "x", "site": "london"})


def test_a_folder_of_a_site_that_is_away_is_told(root, london, space):
    """As when a file system is not mounted: not that the path is nowhere."""
    london.folder.rename(london.folder.with_name("away"))
    seen = look(root, "/")
    assert (seen["name"], seen["error"]) == ("/", "the folder of the site is not there")
    assert "site" in look(root, "/projects")["error"]


def test_a_page_that_is_not_there_is_404_on_a_space_too(root, london, space):
    refused = root.refused(404, "GET", f"/spaces/{space}/files/", params={"page": "2"})
    assert refused == {"detail": "Invalid page."}


def test_all_of_a_folder_comes_at_once(root, london, space):
    folder = london.folder / "projects"
    for number in range(10_001):
        (folder / f"{number:05}").touch()
    whole = look(root, "/projects", page_size="0")["children"]
    assert (len(whole["results"]), whole["next"]) == (10_001, None)
    detailed = look(root, "/projects", page_size="0", details="1", page="2")["children"]
    assert [child["name"] for child in detailed["results"]] == ["10000"]


def test_a_bucket_that_does_not_answer_keeps_nobody_from_looking(root, london, space):
    """Settings tasks that wait for it have threads of their own, as many as they may be."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        body = {**S3, "endpoint": "127.0.0.1", "port": silent.getsockname()[1]}
        number = make_bucket(root, body)
        for count in range(6):
            make_target(root, number, name=f"target-{count}")
        eventually(lambda: root.get("/settingstasks/", state="STARTED")["results"])
        assert look(root, "/projects")["error"] is None
        for count in root.get("/external_targets/")["results"]:
            root.delete(f"/external_targets/{count['id']}/")


def test_a_space_is_looked_at_on_each_of_its_sites(root, london, tmp_path):
    make_site(root, "paris")
    number = make_space(root, "projects", "london", "paris")
    path = f"/spaces/{number}/files/"
    with site_worker("paris", tmp_path / "paris"):
        ready(root, f"/spaces/{number}/")
        (tmp_path / "paris/projects/only").touch()
        entries = root.get(path)
        assert [(entry["site"], entry["path"]) for entry in entries] == [
            ("london", "/projects"),
            ("paris", "/projects"),
        ]
        assert [names(entry) for entry in entries] == [[], ["only"]]
        assert [entry["site"] for entry in root.get(path, site="paris")] == ["paris"]
        found = root.done("GET", path, params={"path": "only"})
        assert [entry["error"] for entry in found] == ["there is no such path", None]
        assert found[0]["name"] == "only"
        root.refused(404, "GET", path, params={"path": "/projects/none"})
        assert "path" in root.refused(400, "GET", path, params={"path": "/other"})
        assert "path" in root.refused(400, "GET", path, params={"path": "/projectsx"})
        assert "site" in root.refused(400, "GET", path, params={"site": "rome"})
    entries = root.get(path)
    assert [entry["error"] is None for entry in entries] == [True, False]
    assert "paris" in entries[1]["error"]
    assert [entry["site"] for entry in root.get(path, check_available_sites="true")] == ["london"]
    assert "paris" in root.refused(504, "GET", path, params={"raise_exception": "true"})["detail"]


def test_pages_of_one_site_lead_on_there(root, london, tmp_path):
    make_site(root, "paris")
    number = make_space(root, "projects", "london", "paris")
    with site_worker("paris", tmp_path / "paris"):
        ready(root, f"/spaces/{number}/")
        for count in range(25):
            (tmp_path / f"paris/projects/{count:02}").touch()
        entries = root.get(f"/spaces/{number}/files/", page_size="20")
        assert [entry["children"]["next"] is None for entry in entries] == [True, False]
        more = root.http.get(entries[1]["children"]["next"], headers={"Authorization": root.credential}).json()
        assert [names(entry) for entry in more] == [["20", "21", "22", "23", "24"]]
        assert more[0]["children"]["previous"].count("site=") == 1


@pytest.mark.rule("ngenea 2")
def test_who_may_look_where(nobody, root, ada, london, space):
    inner = make_space(root, "inner", mountpoint="/projects/inner")
    ready(root, f"/spaces/{inner}/")
    (london.folder / "private").mkdir()

    def asked(path):
        return {"params": {"path": path, "site": "london"}}

    files = f"/spaces/{space}/files/"
    nobody.refused(401, "GET", "/file/", **asked("/projects"))
    nobody.refused(401, "GET", files)
    for path in ("/", "/projects", "/private", "/projects/inner"):
        ada.refused(404, "GET", "/file/", **asked(path))
    ada.refused(404, "GET", files)
    make_group("seers", "view_space", on=("space", space))
    join("ada", "seers")
    assert names(look(ada, "/projects")) == ["inner"]
    ada.get(files)
    for path in ("/", "/private", "/projects/inner", "/projects/inner/x", "/projectsx"):
        ada.refused(404, "GET", "/file/", **asked(path))
    ada.refused(404, "GET", files, params={"path": "inner"})
    make_group("watchers", "view_site", on=("site", london.number))
    join("ada", "watchers")
    assert look(ada, "/private")["path"] == "/private"
    ada.refused(404, "GET", "/file/", **asked("/projects/inner"))
    key = ada.post("/auth/clientkeys/", {"name": "k"})["api_key"]
    program = type(ada)(ada.http, f"Api-Key {key}")
    assert look(program, "/projects")["type"] == "directory"


def test_a_heartbeat_that_is_old_counts_as_none(root, london):
    with db.write():
        Node.update(last_heartbeat_ts=clock.now() - timedelta(seconds=121)).execute()
    assert "online" in look(root, "/")["error"]
