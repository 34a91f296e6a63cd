"""Sites, and what their workers report (ngenea 1, 3.8, 4)."""

import os
from datetime import timedelta

import pytest

from app.core import clock, db
from app.ngenea import announce, sites
from models.ngenea.jobs import Job
from models.ngenea.sites import Node
from tests.support.ngenea import Hub, make_group, make_user
from tests.support.racing import race
from tests.support.sites import join, make_site, make_space, site_worker
from tests.support.waiting import eventually

pytestmark = pytest.mark.rule("ngenea 4")


def test_a_site_has_defaults_and_a_queue(root):
    made = root.post("/sites/", {"name": "london", "shortcode": "ldn"})
    assert made["timezone"] == "UTC"
    assert (made["file_batch_size"], made["file_batch_gb"]) == (500, 10)
    assert made["spaces"] == made["include"] == made["exclude"] == []
    assert made["files_count"] is None
    assert made["editable"] is True
    assert root.get(f"/sites/{made['id']}/") == made
    assert root.get("/sites/")["results"] == [made]
    queue = root.get("/queues/")["results"][0]
    assert (queue["name"], queue["site"], queue["nodes"]) == ("default", "london", [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": ""}, "name"),
        ({"shortcode": ""}, "shortcode"),
        ({"color": [1, 2, 256]}, "color"),
        ({"color": [1, 2]}, "color"),
        ({"timezone": "Mars/Phobos"}, "timezone"),
        ({"file_batch_size": 0}, "file_batch_size"),
        ({"file_batch_gb": 0}, "file_batch_gb"),
        ({"bandwidth": -1}, "bandwidth"),
        ({"include": ["a\0"]}, "include"),
        ({"gpfs_iscan_threads": 4}, "gpfs_iscan_threads"),
    ],
)
def test_what_is_wrong_with_a_site_is_told_by_its_field(root, body, field):
    number = make_site(root)
    given = {"name": "paris", "shortcode": "par", **body}
    assert field in root.refused(400, "POST", "/sites/", given)
    assert field in root.refused(400, "PATCH", f"/sites/{number}/", body)
    assert root.get("/sites/")["count"] == 1


def test_names_and_shortcodes_are_there_once(root):
    make_site(root, "london")
    number = make_site(root, "paris")
    assert root.refused(400, "POST", "/sites/", {"name": "london", "shortcode": "x"})["name"]
    assert root.refused(400, "POST", "/sites/", {"name": "rome", "shortcode": "london"})["shortcode"]
    assert root.refused(400, "PATCH", f"/sites/{number}/", {"name": "london"})["name"]
    assert root.refused(400, "PATCH", f"/sites/{number}/", {"shortcode": "london", "label": "x"})["shortcode"]
    assert root.get(f"/sites/{number}/")["label"] == ""


def test_a_change_replaces_only_what_is_given(root):
    number = make_site(root, label="London", exclude=["*.tmp"])
    changed = root.patch(f"/sites/{number}/", {"bandwidth": 1000, "files_count": 9, "id": 77, "unheard": 1})
    assert (changed["bandwidth"], changed["label"], changed["exclude"]) == (1000, "London", ["*.tmp"])
    assert (changed["files_count"], changed["id"]) == (None, number)
    assert root.patch(f"/sites/{number}/", {"bandwidth": None})["bandwidth"] is None


def test_a_deleted_site_is_gone_with_its_queues(root):
    number = make_site(root)
    root.delete(f"/sites/{number}/")
    root.refused(404, "GET", f"/sites/{number}/")
    assert root.get("/queues/")["count"] == 0


def test_a_site_with_spaces_stays(root):
    number = make_site(root)
    space = make_space(root)
    assert root.get(f"/sites/{number}/")["spaces"][0]["id"] == space
    assert root.get("/sites/")["results"][0]["spaces"] == ["projects"]
    assert "projects" in str(root.refused(400, "DELETE", f"/sites/{number}/"))
    root.delete(f"/spaces/{space}/")
    root.delete(f"/sites/{number}/")
    with db.read():
        assert db.rows("SELECT 1 FROM core_work WHERE kind = 'ngenea.settings'") == []


def test_a_site_with_jobs_stays(root):
    number = make_site(root)
    counts = ("live", "discovering", "discovered", "discovered_bytes", "processed", "processed_bytes", "failed")
    texts = {"workflow": "migrate", "state": "SUCCESS", "search": ""}
    with db.write():
        Job.create(
            site=number,
            definition={},
            request={},
            by_system=True,
            dry_run=False,
            created_ts=clock.now(),
            **texts,
            **dict.fromkeys((*counts, "skipped", "aborted"), 0),
        )
    root.refused(400, "DELETE", f"/sites/{number}/")


def test_a_server_makes_its_site_once(root):
    root.post("/sites/", {"name": "paris", "shortcode": "london"})
    race(*[lambda: sites.ensure("london")] * 4)
    made = [(site["name"], site["shortcode"]) for site in root.get("/sites/")["results"]]
    assert made == [("paris", "london"), ("london", "london-2")]


def test_two_sites_of_a_name_are_not_made_at_once(root):
    body = {"name": "london", "shortcode": "ldn"}
    answers = race(*[lambda: root.call("POST", "/sites/", body).status_code] * 5)
    assert sorted(answers) == [201, 400, 400, 400, 400]


@pytest.mark.rule("ngenea 1")
def test_a_worker_tells_of_its_node_its_queues_and_its_pool(root, tmp_path):
    site = make_site(root)
    with site_worker("london", tmp_path / "files", default=3, transcode=1):
        node = root.get("/nodes/")["results"][0]
        assert (node["name"], node["site"], node["online"], node["has_default_queue"]) == (
            "node-1",
            "london",
            True,
            True,
        )
        assert node == root.get(f"/nodes/{node['id']}/")
        queues = {queue["name"]: queue for queue in root.get("/queues/")["results"]}
        assert {name: queue["nodes"][0]["threads"] for name, queue in queues.items()} == {"default": 3, "transcode": 1}
        assert "interactive" in queues["default"]["nodes"][0]["functions"]
        assert root.get(f"/queues/{queues['transcode']['id']}/") == queues["transcode"]
        filesystem = root.get("/filesystems/")["results"][0]
        assert (filesystem["name"], filesystem["mountpoint"], filesystem["site"]) == ("root", "/", "london")
        assert root.get(f"/filesystems/{filesystem['id']}/") == filesystem
        pool = root.get("/storagepools/")["results"][0]
        disk = os.statvfs(tmp_path)
        assert pool["capacity"] == disk.f_blocks * disk.f_frsize
        assert (pool["name"], pool["filesystem"], pool["site"], pool["is_default"]) == ("system", "root", site, True)
        assert root.get(f"/storagepools/{pool['id']}/") == pool
    stopped = root.get(f"/nodes/{node['id']}/")
    assert (stopped["online"], stopped["last_heartbeat"], stopped["has_default_queue"]) == (False, None, False)
    assert {queue["name"] for queue in root.get("/queues/")["results"]} == {"default", "transcode"}


def test_a_worker_waits_for_its_site(root, tmp_path):
    from app.ngenea.worker import SiteWorker

    worker = SiteWorker("london", tmp_path, {"default": 1}, "node-1")
    worker.start()
    try:
        assert not worker.wait_ready(0.3)
        number = make_site(root)
        assert worker.wait_ready(10)
        assert root.get(f"/sites/{number}/health/")["health"] == "ok"
    finally:
        worker.stop()


def test_one_of_two_processes_of_a_host_stops(root, tmp_path):
    """The node stays online for the other one, and loses only what the first one served."""
    make_site(root)
    with site_worker("london", tmp_path / "files", default=1):
        with site_worker("london", tmp_path / "files", other=1):
            assert root.get("/nodes/")["count"] == 1
        node = root.get("/nodes/")["results"][0]
        assert (node["online"], node["has_default_queue"]) == (True, True)
        queues = {queue["name"]: len(queue["nodes"]) for queue in root.get("/queues/")["results"]}
        assert queues == {"default": 1, "other": 0}


def test_one_of_two_processes_that_do_the_same_stops(root, tmp_path):
    """The other one tells of the node again, long before its next heartbeat."""
    from app.ngenea.worker import SiteWorker

    number = make_site(root)
    other = SiteWorker("london", tmp_path, {"default": 1}, "node-1", beat=3600)
    other.start()
    try:
        assert other.wait_ready(20)
        with site_worker("london", tmp_path):
            pass
        eventually(lambda: root.get(f"/sites/{number}/health/")["health"] == "ok")
        assert root.get("/queues/")["results"][0]["nodes"][0]["online"] is True
    finally:
        other.stop()
    assert root.get("/nodes/")["results"][0]["online"] is False


@pytest.mark.rule("ngenea 3.8")
def test_health_follows_the_heartbeats(root, tmp_path):
    number = make_site(root)
    make_site(root, "paris")
    assert root.get("/health/")["overall_health"] == "critical"
    with site_worker("london", tmp_path / "files", "a"), site_worker("london", tmp_path / "files", "b"):
        health = root.get(f"/sites/{number}/health/")
        assert (health["name"], health["site"], health["health"]) == ("london", "london", "ok")
        assert health["nodes"] == [{"name": name, "health": "ok", "online": True} for name in ("a", "b")]
        with db.write():
            Node.update(last_heartbeat_ts=clock.now() - timedelta(seconds=121)).where(Node.name == "b").execute()
        assert root.get(f"/sites/{number}/health/")["health"] == "warning"
        overall = root.get("/health/")
        assert (overall["overall_health"], overall["hub_status"]) == ("warning", "ok")
        assert {site["site"]: site["health"] for site in overall["site_status"]} == {
            "london": "warning",
            "paris": "critical",
        }
        with db.write():
            Node.update(last_heartbeat_ts=clock.now() - timedelta(seconds=121)).execute()
        assert root.get(f"/sites/{number}/health/")["health"] == "critical"


def test_only_a_node_that_is_offline_is_renamed_or_forgotten(root, tmp_path):
    number = make_site(root)
    with site_worker("london", tmp_path / "files"):
        node = f"/nodes/{root.get('/nodes/')['results'][0]['id']}/"
        assert "online" in root.refused(400, "PATCH", node, {"name": "node-2"})["detail"]
        assert "online" in root.refused(400, "DELETE", node)["detail"]
        assert root.patch(node, {"name": "node-1", "site": "london"})["online"] is True
    assert root.patch(node, {"name": "node-2"})["name"] == "node-2"
    assert root.refused(400, "PATCH", node, {"site": "paris"})["site"]
    with db.write():
        Node.create(site=number, name="taken")
    assert root.refused(400, "PATCH", node, {"name": "taken"})["name"]
    root.delete(node)
    root.delete(f"/nodes/{root.get('/nodes/')['results'][0]['id']}/")
    assert root.get(f"/sites/{number}/health/")["nodes"] == []
    with site_worker("london", tmp_path / "files", "node-2"):
        assert root.get("/nodes/")["results"][0]["name"] == "node-2"


def test_a_worker_notices_that_its_site_is_deleted(root, tmp_path):
    from app.ngenea.worker import SiteWorker

    number = make_site(root)
    worker = SiteWorker("london", tmp_path, {"default": 1}, "node-1", beat=0.2)
    worker.start()
    try:
        assert worker.wait_ready(10)
        root.delete(f"/sites/{number}/")
        eventually(lambda: not worker.wait_ready(0))
        make_site(root)
        assert worker.wait_ready(10)
    finally:
        worker.stop()


def test_a_page_is_read_at_once(root, tmp_path):
    def all_counted():
        with db.count_queries() as counted:
            for path in LISTS:
                assert root.get(path)["results"]
        return counted.count

    def furnish(name):
        number = make_site(root, name)
        make_space(root, name, name)
        assert announce.tell(number, name, {"default": 1}, tmp_path)

    furnish("london")
    few = all_counted()
    for number in range(8):
        furnish(f"site-{number}")
    assert all_counted() == few
    assert root.get("/nodes/")["count"] == 9


LISTS = ("/sites/", "/nodes/", "/queues/", "/filesystems/", "/storagepools/", "/settingstasks/")


@pytest.mark.rule("ngenea 2")
def test_who_may_see_and_change_sites(nobody, root, ada, tmp_path):
    number = make_site(root)
    with site_worker("london", tmp_path / "files"):
        pass
    numbers = {path: root.get(path)["results"][0]["id"] for path in LISTS[:5]}
    paths = [f"{path}{pk}/" for path, pk in numbers.items()] + [f"/sites/{number}/health/"]
    for path in (*paths, *LISTS, "/health/"):
        nobody.refused(401, "GET", path)
    for path in paths:
        ada.refused(404, "GET", path)
    for path in LISTS:
        assert ada.get(path)["count"] == 0
    assert ada.get("/health/")["site_status"] == []
    ada.refused(403, "POST", "/sites/", {"name": "x", "shortcode": "x"})
    ada.refused(404, "PATCH", f"/sites/{number}/", {"label": "x"})
    ada.refused(404, "DELETE", f"/sites/{number}/")

    make_group("seers", "view_site", on=("site", number))
    join("ada", "seers")
    for path in paths:
        ada.get(path)
    assert ada.get(f"/sites/{number}/")["editable"] is False
    ada.refused(403, "PATCH", f"/sites/{number}/", {"label": "x"})
    ada.refused(403, "DELETE", f"/sites/{number}/")
    ada.refused(403, "DELETE", f"/nodes/{numbers['/nodes/']}/")

    make_group("changers", "change_site", on=("site", number))
    join("ada", "changers")
    assert ada.patch(f"/sites/{number}/", {"label": "x"})["editable"] is True
    assert ada.patch(f"/nodes/{numbers['/nodes/']}/", {"name": "x"})["name"] == "x"
    ada.refused(403, "DELETE", f"/sites/{number}/")

    key = ada.post("/auth/clientkeys/", {"name": "k"})["api_key"]
    program = Hub(ada.http, f"Api-Key {key}")
    assert program.get(f"/sites/{number}/")["label"] == "x"
    make_user("bob", "Users")
    assert nobody.log_in("bob").get("/sites/")["count"] == 1
