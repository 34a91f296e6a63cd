"""Apps: what may be said of them, how their number grows, and what a worker could not bear (nebula 2, 3, 4, 9)."""

import pytest

from tests.support.nebula import APP, CRON_JOB

DEFAULTS = {
    "starting_ports": [],
    "containers_per": {"server": 1},
    "env_vars": {},
    "running": True,
    "networks": ["nebula", "bridge"],
    "volumes": [],
    "devices": [],
    "privileged": False,
    "rolling_restart": False,
}
WHOLE = {
    "docker_image": "registry.example.com/shop:4",
    "starting_ports": [80, {"8443": "443"}, {"9000": 9001}],
    "containers_per": {"cpu": 0.5},
    "env_vars": {"MODE": "test", "LEVEL": 3, "EMPTY": None},
    "running": False,
    "networks": ["host"],
    "volumes": ["/srv:/srv", "/tmp:/tmp:ro"],
    "devices": ["/dev/usb:/dev/usb:rwm"],
    "privileged": True,
    "rolling_restart": True,
}


@pytest.mark.rule("nebula 3")
def test_an_app_has_what_was_given_and_defaults_for_the_rest(boss):
    assert boss.app("web") == {"app_id": 1, "app_name": "web", **APP, **DEFAULTS}
    assert boss.done("POST", "/apps/shop", WHOLE) == {"app_id": 1, "app_name": "shop", **WHOLE}
    assert boss.done("GET", "/apps/shop") == {"app_id": 1, "app_name": "shop", **WHOLE}
    assert boss.done("GET", "/apps") == {"apps": ["web", "shop"]}


@pytest.mark.rule("nebula 1")
def test_what_is_no_field_is_passed_over_and_numbers_cannot_be_set(boss):
    given = {
        **APP,
        "containers_per_cpu": 5,
        "docker_ulimits": [],
        "app_id": 77,
        "app_name": "other",
        "_id": {"$oid": "0"},
    }
    made = boss.done("POST", "/apps/web", given)
    assert made == {"app_id": 1, "app_name": "web", **APP, **DEFAULTS}
    changed = boss.done("PUT", "/apps/web/update", {"running": False, "app_id": 77, "app_name": "other"})
    assert (changed["app_id"], changed["app_name"], changed["running"]) == (2, "web", False)
    assert boss.done("GET", "/apps") == {"apps": ["web"]}
    assert boss.put("/apps/web/update", {"app_id": 77}).json() == {"missing_parameters": True}


@pytest.mark.rule("nebula 2")
def test_not_there_and_there_already_are_403(boss):
    boss.app("web")
    taken = boss.post("/apps/web", APP)
    assert (taken.status_code, taken.json()) == (403, {"app_exists": True})
    calls = [("GET", "", None), ("DELETE", "", None), ("POST", "/start", None), ("POST", "/stop", None)]
    calls += [("POST", "/restart", None), ("PUT", "/update", APP), ("PATCH", "/update", APP), ("POST", "/update", APP)]
    for method, path, body in calls:
        answer = boss.call(method, f"/apps/nope{path}", **({} if body is None else {"json": body}))
        assert (answer.status_code, answer.json()) == (403, {"app_exists": False}), (method, path)


@pytest.mark.rule("nebula 4")
def test_the_number_grows_with_each_change_also_when_nothing_differs(boss):
    boss.app("web")
    assert [boss.done("POST", f"/apps/web/{verb}")["app_id"] for verb in ("stop", "stop", "start", "start")] == [
        2,
        3,
        4,
        5,
    ]
    assert boss.done("POST", "/apps/web/restart")["app_id"] == 6
    assert boss.done("PUT", "/apps/web/update", APP)["app_id"] == 7
    assert boss.done("PATCH", "/apps/web/update", APP)["app_id"] == 8
    assert boss.done("POST", "/apps/web/update", APP)["app_id"] == 9
    for refused in ({}, {"networks": []}, {"starting_ports": ["x"]}):
        assert boss.put("/apps/web/update", refused).status_code in (400, 403)
    assert boss.done("GET", "/apps/web")["app_id"] == 9
    assert boss.done("DELETE", "/apps/web") == {}
    assert boss.app("web")["app_id"] == 1, "an app of the same name begins anew"


@pytest.mark.rule("nebula 2")
def test_put_changes_what_is_given_and_post_sets_the_rest_back(boss):
    boss.done("POST", "/apps/shop", WHOLE)
    assert boss.done("PUT", "/apps/shop/update", {"docker_image": "shop:5"}) == {
        "app_id": 2,
        "app_name": "shop",
        **WHOLE,
        "docker_image": "shop:5",
    }
    # The product's own default of this one differs here, and its clients' tests say so.
    assert boss.done("POST", "/apps/shop/update", APP) == {
        "app_id": 3,
        "app_name": "shop",
        **APP,
        **DEFAULTS,
        "env_vars": [],
    }


def test_a_stopped_app_cannot_be_restarted(boss):
    boss.app("web", running=False)
    answer = boss.post("/apps/web/restart")
    assert (answer.status_code, answer.json()) == (403, {"running_before_restart": False})
    assert boss.done("GET", "/apps/web")["app_id"] == 1


@pytest.mark.rule("nebula 1")
@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("POST", "/apps/new", ["docker_image"]),
        ("POST", "/apps/web/update", ["docker_image"]),
        ("PUT", "/apps/web/update", True),
        ("PATCH", "/apps/web/update", True),
        ("POST", "/cron_jobs/new", ["docker_image", "schedule"]),
        ("PUT", "/cron_jobs/job/update", True),
        ("POST", "/cron_jobs/job/update", True),
        ("POST", "/device_groups/new", True),
        ("PUT", "/device_groups/stores/update", True),
        ("POST", "/device_groups/stores/update", True),
        ("POST", "/users/new", True),
        ("PUT", "/users/ada/update", True),
        ("POST", "/user_groups/new", ["user_group"]),
        ("PUT", "/user_groups/crew/update", True),
    ],
)
def test_a_body_that_is_missing_or_no_json(boss, method, path, said):
    boss.app("web")
    boss.cron_job("job")
    boss.group("stores")
    boss.user("ada")
    boss.done("POST", "/user_groups/crew", {})
    for content in (b"", b"{", b"[]", b'"text"', b"\xff", b"null", b"[" * 200 + b"]" * 200):
        answer = boss.call(method, path, content=content)
        assert (answer.status_code, answer.json()) == (400, {"missing_parameters": said}), content


def test_a_list_names_what_is_missing(boss):
    assert boss.post("/apps/web", {"running": True}).json() == {"missing_parameters": ["docker_image"]}
    assert boss.post("/cron_jobs/job", {"schedule": "@daily"}).json() == {"missing_parameters": ["docker_image"]}
    assert boss.post("/cron_jobs/job", {"docker_image": "x"}).json() == {"missing_parameters": ["schedule"]}


@pytest.mark.rule("nebula 3")
@pytest.mark.parametrize(
    "ports", [[0], [65536], [-1], [{"0": "80"}], [{"80": "65536"}], [{"80": 70000}], [80, {"1": "0"}]]
)
def test_a_port_out_of_range(boss, ports):
    answer = boss.post("/apps/web", {**APP, "starting_ports": ports})
    assert (answer.status_code, answer.json()) == (400, {"starting_ports": "invalid port"})
    boss.app("web", starting_ports=[1, 65535, {"65535": "1"}])
    assert boss.put("/apps/web/update", {"starting_ports": ports}).status_code == 400


@pytest.mark.rule("nebula 3")
@pytest.mark.parametrize(
    "ports", [["80"], [80.5], [None], [[80]], [True], [{"http": "80"}], [{"80": "http"}], [{"80": None}], [{"80": 8.5}]]
)
def test_what_is_no_port_at_all(boss, ports):
    answer = boss.post("/apps/web", {**APP, "starting_ports": ports})
    assert answer.status_code == 403
    assert answer.json().keys() == {"starting_ports"}
    boss.app("web")
    assert boss.put("/apps/web/update", {"starting_ports": ports}).status_code == 403


# Each would end every worker of a group, or leave it with containers that never start.
CRASHES = [
    {"containers_per": {}},
    {"containers_per": {"gpu": 1}},
    {"containers_per": {"server": 1, "gpu": 1}},
    {"containers_per": {"server": "1"}},
    {"containers_per": {"server": -1}},
    {"containers_per": {"server": 1.5}},
    {"containers_per": {"memory": 0}},
    {"containers_per": {"mem": 0}},
    {"containers_per": {"memory": -5}},
    {"containers_per": ["server"]},
    {"networks": []},
    {"networks": [1]},
    {"networks": None},
    {"volumes": ["/srv"]},
    {"volumes": ["/srv:"]},
    {"volumes": [":/srv"]},
    {"volumes": [{"/srv": "/srv"}]},
    {"volumes": "/srv"},
    {"devices": [1]},
    {"starting_ports": 80},
    {"starting_ports": {"80": "80"}},
    {"env_vars": {"A": {"B": 1}}},
    {"env_vars": [1]},
    {"env_vars": "A=1"},
    {"running": "true"},
    {"privileged": 1},
    {"rolling_restart": None},
    {"docker_image": ""},
    {"docker_image": "two words"},
    {"docker_image": 5},
]


@pytest.mark.rule("nebula 9")
@pytest.mark.parametrize("shape", CRASHES, ids=str)
def test_what_a_worker_could_not_bear_is_refused(boss, shape):
    answer = boss.post("/apps/web", {**APP, **shape})
    assert answer.status_code == 400
    assert answer.json().keys() == shape.keys()
    assert boss.done("GET", "/apps") == {"apps": []}
    before = boss.app("web")
    for method in ("PUT", "PATCH"):
        assert boss.call(method, "/apps/web/update", json=shape).status_code == 400
    assert boss.post("/apps/web/update", {**APP, **shape}).status_code == 400
    assert boss.done("GET", "/apps/web") == before
    if shape.keys() <= {"networks", "volumes", "devices", "env_vars", "running", "privileged", "docker_image"}:
        assert boss.post("/cron_jobs/job", {**CRON_JOB, **shape}).status_code == 400


@pytest.mark.rule("nebula 9")
@pytest.mark.parametrize("name", ["a b", "-a", ".a", "ä", "a:b", "a+b", "x" * 201, "%09"])
def test_a_name_that_no_container_may_have(boss, name):
    for kind, body in (("apps", APP), ("cron_jobs", CRON_JOB)):
        answer = boss.post(f"/{kind}/{name}", body)
        assert (answer.status_code, [*answer.json()]) == (400, [f"{kind[:-1]}_name"])
        assert boss.get(f"/{kind}/{name}").status_code == 403
    assert boss.app("A-z_0.9")["app_name"] == "A-z_0.9"


@pytest.mark.rule("nebula 10")
def test_texts_as_nebulactl_sends_them(boss):
    made = boss.app("web", devices="", networks="", volumes=[""])
    assert (made["devices"], made["networks"], made["volumes"]) == ([], ["nebula", "bridge"], [])
    made = boss.app(
        "shop", devices="/dev/a:/dev/a:rwm, /dev/b:/dev/b:r", networks="mesh,bridge", volumes="/a:/a,/b:/b:ro"
    )
    assert made["devices"] == ["/dev/a:/dev/a:rwm", "/dev/b:/dev/b:r"]
    assert made["networks"] == ["mesh", "bridge"]
    assert made["volumes"] == ["/a:/a", "/b:/b:ro"]
    made = boss.app("tool", devices="[]", networks=[""], volumes=["[]"])
    assert (made["devices"], made["networks"], made["volumes"]) == ([], ["nebula", "bridge"], [])
    assert boss.put("/apps/tool/update", {"volumes": "/a"}).status_code == 400
