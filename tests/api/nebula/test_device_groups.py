"""Device groups: members that must be there, numbers that grow, and what workers are told (nebula 2, 3, 4, 5)."""

import pytest

from tests.support.nebula import APP


@pytest.fixture
def fleet(boss):
    """Two apps, a cron job, and a group of one of each."""
    boss.app("web")
    boss.app("shop")
    boss.cron_job("backup")
    boss.group("stores", "web", cron_jobs=("backup",))
    return boss


@pytest.mark.rule("nebula 3")
def test_a_group_and_its_numbers(fleet):
    whole = {"device_group": "stores", "device_group_id": 1, "prune_id": 1, "apps": ["web"], "cron_jobs": ["backup"]}
    assert fleet.done("GET", "/device_groups/stores") == whole
    assert fleet.done("POST", "/device_groups/kiosks", {})["apps"] == []
    assert fleet.done("GET", "/device_groups") == {"device_groups": ["stores", "kiosks"]}
    many = fleet.done(
        "POST", "/device_groups/many", {"apps": ["shop", "web", "shop"], "device_group_id": 5, "prune_id": 6}
    )
    assert (many["apps"], many["device_group_id"], many["prune_id"]) == (["shop", "web"], 1, 1)


@pytest.mark.rule("nebula 4")
def test_its_number_grows_with_its_updates_only(fleet):
    assert fleet.done("PUT", "/device_groups/stores/update", {"apps": ["web", "shop"]}) == {
        "device_group": "stores",
        "device_group_id": 2,
        "prune_id": 1,
        "apps": ["web", "shop"],
        "cron_jobs": ["backup"],
    }
    assert fleet.done("PATCH", "/device_groups/stores/update", {"cron_jobs": []})["device_group_id"] == 3
    replaced = fleet.done("POST", "/device_groups/stores/update", {"cron_jobs": ["backup"]})
    assert (replaced["device_group_id"], replaced["apps"], replaced["cron_jobs"]) == (4, [], ["backup"])
    assert fleet.done("POST", "/device_groups/stores/prune")["prune_id"] == 2
    fleet.done("PUT", "/apps/web/update", APP)
    for refused in ({}, {"apps": ["nope"]}, {"cron_jobs": 5}, {"device_group_id": 9}):
        assert fleet.put("/device_groups/stores/update", refused).status_code in (400, 403)
    assert fleet.info("stores")["device_group_id"] == 4


@pytest.mark.rule("nebula 2")
def test_refusals(fleet):
    def said(method, path, body):
        answer = fleet.call(method, path, json=body)
        return answer.status_code, answer.json()

    assert said("POST", "/device_groups/stores", {}) == (403, {"device_group_exists": True})
    for path in ("/device_groups/new", "/device_groups/stores/update"):
        assert said("POST", path, {"apps": ["nope"]}) == (403, {"app_exists": False})
        assert said("POST", path, {"cron_jobs": ["nope"]}) == (403, {"cron_job_exists": False})
        # Cron jobs are looked at first.
        assert said("POST", path, {"apps": ["nope"], "cron_jobs": ["nope"]}) == (403, {"cron_job_exists": False})
        for wrong in ("web", 5, {"web": 1}, None, True):
            assert said("POST", path, {"apps": wrong}) == (400, {"apps_is_list": False})
        for wrong in (5, {"web": 1}, None, True):
            assert said("POST", path, {"cron_jobs": wrong}) == (400, {"cron_jobs_is_list": False})
        assert said("POST", path, {"apps": [5]})[0] == 400
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/info"), ("GET", "/devices")):
        answer = fleet.call(method, f"/device_groups/nope{path}")
        assert (answer.status_code, answer.json()) == (403, {"device_group_exists": False}), path
    assert said("PUT", "/device_groups/nope/update", {"apps": []}) == (403, {"device_group_exists": False})
    assert said("PATCH", "/device_groups/nope/update", {"apps": []}) == (403, {"device_group_exists": False})
    # The product itself uses another key for these two.
    assert said("POST", "/device_groups/nope/update", {}) == (403, {"app_exists": False})
    assert fleet.post("/device_groups/nope/prune").json() == {"app_exists": False}


@pytest.mark.rule("nebula 10")
def test_cron_jobs_as_nebulactl_sends_them(fleet):
    fleet.cron_job("cleanup")
    assert fleet.done("POST", "/device_groups/a", {"apps": ["web"], "cron_jobs": ""})["cron_jobs"] == []
    made = fleet.done("POST", "/device_groups/b", {"apps": ["web"], "cron_jobs": "cleanup, backup"})
    assert made["cron_jobs"] == ["cleanup", "backup"]


def test_names_of_groups(boss):
    for name in ("store 7", "Läden", "a:b", "x" * 255):
        assert boss.group(name)["device_group"] == name
    for name in (".", ".hidden", "x" * 256, "%09", "a%0Ab"):
        answer = boss.call("POST", f"/device_groups/{name}" if name != "." else "/device_groups/%2E", json={})
        assert answer.status_code in (400, 404), name


@pytest.mark.rule("nebula 2")
def test_pruning_everywhere(fleet):
    fleet.group("kiosks")
    fleet.done("POST", "/device_groups/kiosks/prune")
    assert fleet.post("/prune").status_code == 202
    assert fleet.done("POST", "/prune") == {"prune_ids": {"stores": 3, "kiosks": 4}}
    assert fleet.info("kiosks")["prune_id"] == 4


@pytest.mark.rule("nebula 5")
def test_what_workers_are_told(fleet):
    told = fleet.info("stores")
    assert told == {
        "apps": [fleet.done("GET", "/apps/web")],
        "apps_list": ["web"],
        "cron_jobs": [fleet.done("GET", "/cron_jobs/backup")],
        "cron_jobs_list": ["backup"],
        "prune_id": 1,
        "device_group_id": 1,
    }


@pytest.mark.rule("nebula 11")
def test_an_app_that_is_deleted_is_stopped_by_the_workers_of_its_groups(fleet):
    fleet.group("kiosks", "shop")
    fleet.done("DELETE", "/apps/web")
    told = fleet.info("stores")
    assert (told["apps"], told["apps_list"], told["device_group_id"]) == ([], [], 2)
    assert fleet.info("kiosks")["device_group_id"] == 1, "who does not run it is not told anything"
    assert fleet.done("GET", "/device_groups/stores")["apps"] == ["web"]
    fleet.done("DELETE", "/cron_jobs/backup")
    told = fleet.info("stores")
    assert (told["cron_jobs_list"], told["device_group_id"]) == ([], 3)
    # It comes again under the same name.
    fleet.app("web", docker_image="new")
    assert fleet.info("stores")["apps"][0]["docker_image"] == "new"


def test_a_group_that_is_deleted(fleet):
    assert fleet.done("DELETE", "/device_groups/stores") == {}
    assert fleet.get("/device_groups/stores/info").status_code == 403
    fleet.group("stores", "shop")
    told = fleet.info("stores")
    assert (told["apps_list"], told["device_group_id"]) == (["shop"], 1)
