"""Groups, the rights that come with them, and who has which (ngenea 2)."""

import pytest

from tests.support.ngenea import make_group, make_user


@pytest.fixture
def rights(root):
    """The number of each right by its codename."""
    return {right["codename"]: right["id"] for right in root.get("/permissions/", page_size="0")["results"]}


@pytest.mark.rule("ngenea 2")
def test_a_group_is_made_read_changed_and_deleted(root, rights):
    number = make_user("ada")
    triple = {"model": "user", "object_pk": str(number), "permission": rights["change_user"]}
    body = {"name": "Editors", "permissions": [rights["view_space"]], "object_permissions": [triple], "users": ["ada"]}
    made = root.post("/groups/", body)
    assert made == {"id": made["id"], "description": "", **body}
    path = f"/groups/{made['id']}/"
    read = root.get(path)
    (member,) = read.pop("users")
    assert set(member) == {"username", "first_name", "last_name", "email", "date_joined", "last_login"}
    assert member["username"] == "ada"
    assert read == {key: value for key, value in made.items() if key != "users"}
    assert root.get("/groups/")["count"] == 3
    changed = root.patch(path, {"description": "cut", "permissions": []})
    assert changed == {**made, "description": "cut", "permissions": []}
    assert root.patch(path, {"users": [], "object_permissions": [], "name": "Cutters"})["users"] == []
    root.delete(path)
    root.refused(404, "GET", path)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "white space"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "Users"}, "name"),
        ({"name": "g", "permissions": [999999]}, "permissions"),
        ({"name": "g", "users": ["nobody"]}, "users"),
        ({"name": "g", "nas_group": True}, "nas_group"),
        (
            {"name": "g", "object_permissions": [{"model": "space", "object_pk": "1", "permission": 999999}]},
            "object_permissions",
        ),
        ({"name": "g", "object_permissions": [{"model": "space"}]}, "object_permissions"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_its_field(root, body, field):
    assert list(root.refused(400, "POST", "/groups/", body)) == [field]
    assert root.get("/groups/")["count"] == 2


def test_a_right_on_an_object_must_lead_to_one(root, rights):
    for model, pk, right in (("user", "99", "view_user"), ("user", "x", "view_user"), ("space", "1", "view_user")):
        triple = {"model": model, "object_pk": pk, "permission": rights[right]}
        refused = root.refused(400, "POST", "/groups/", {"name": "g", "object_permissions": [triple]})
        assert list(refused) == ["object_permissions"]


@pytest.mark.rule("ngenea 2")
def test_faults_of_lists(root, rights):
    """Those of plain lists are messages, those of lists of objects stand at their places; each is told once."""
    right = rights["view_user"]
    good = {"model": "user", "object_pk": str(root.get("/users/root/")["id"]), "permission": right}
    for body, faults in (
        ({"users": ["root", "eve"]}, {"users": ["Item 2: There is no such user."]}),
        ({"permissions": [right, 0]}, {"permissions": ["Item 2: There is no such permission."]}),
        ({"permissions": ["x"]}, {"permissions": ['Item 1: the value is not of type "integer"']}),
        (
            {"object_permissions": [good, {**good, "object_pk": "0"}]},
            {"object_permissions": [{}, {"object_pk": ["There is no such object."]}]},
        ),
        (
            {"object_permissions": [{**good, "model": 1}, "x"]},
            {
                "object_permissions": [
                    {"model": ['the value is not of type "string"']},
                    {"non_field_errors": ['the value is not of type "object"']},
                ]
            },
        ),
    ):
        assert root.refused(400, "POST", "/groups/", {"name": "g", **body}) == faults
    told = root.refused(400, "POST", "/groups/", {"name": "a\0"})["name"]
    assert len(told) == len(set(told))


def test_names_differ_by_their_case_and_are_there_once(root):
    root.post("/groups/", {"name": "users"})
    root.refused(400, "POST", "/groups/", {"name": "users"})


def test_built_in_groups_stay(root):
    for group in root.get("/groups/")["results"]:
        path = f"/groups/{group['id']}/"
        root.refused(400, "DELETE", path)
        assert root.refused(400, "PATCH", path, {"name": "other"}) == {"name": ["A built-in group keeps its name."]}
        assert root.patch(path, {"name": group["name"], "description": "d"})["description"] == "d"


def test_membership_is_effective_at_once(root, ada):
    make_user("eve")
    ada.refused(404, "GET", "/users/eve/")
    group = root.get("/groups/")["results"][0]
    assert group["name"] == "Administrators"
    root.patch(f"/groups/{group['id']}/", {"users": ["ada"]})
    ada.get("/users/eve/")
    ada.delete("/users/eve/")
    root.patch(f"/groups/{group['id']}/", {"users": []})
    ada.refused(403, "DELETE", "/users/ada/")


@pytest.mark.rule("ngenea 2")
def test_nobody_gives_rights_to_themselves(nobody, root, rights):
    """Neither everywhere nor on an object; not to a group that they are in, nor to one that they make and join."""
    number = make_user("bob")
    mine = make_group("managers", "add_group", "change_group", "view_group", "view_user")
    make_user("mia", "managers")
    mia = nobody.log_in("mia")
    on_bob = {"model": "user", "object_pk": str(number), "permission": rights["change_user"]}
    before = root.get(f"/groups/{mine}/")
    for more in ({"permissions": [rights["view_group"], rights["view_space"]]}, {"object_permissions": [on_bob]}):
        for users in ({}, {"users": ["mia"]}):
            mia.refused(403, "PATCH", f"/groups/{mine}/", {**more, **users})
            mia.refused(403, "POST", "/groups/", {"name": "more", **more, **users})
    assert root.get(f"/groups/{mine}/") == before
    mia.refused(403, "PATCH", "/users/bob/", {"first_name": "B"})
    looking = {**on_bob, "permission": rights["view_user"]}
    mia.post("/groups/", {"name": "same", "permissions": [rights["view_group"]], "object_permissions": [looking]})
    less = [rights["view_group"], rights["change_group"]]
    assert mia.patch(f"/groups/{mine}/", {"permissions": less})["permissions"] == less


def test_groups_are_seen_by_right(nobody, root, ada):
    assert ada.get("/groups/")["count"] == 0
    number = make_group("seen")
    ada.refused(404, "GET", f"/groups/{number}/")
    make_group("lookers", "view_group", on=("group", number))
    root.patch("/users/ada/", {"groups": ["lookers"]})
    assert [group["name"] for group in ada.get("/groups/")["results"]] == ["seen"]
    ada.refused(403, "PATCH", f"/groups/{number}/", {"description": "d"})
    ada.refused(403, "DELETE", f"/groups/{number}/")
    ada.refused(403, "POST", "/groups/", {"name": "g"})


def test_my_permissions(root, ada, rights):
    (mine,) = root.get("/my-permissions/")
    assert len(mine["user_permissions"]) == len(rights)
    assert mine["group_permissions"] == mine["group_object_permissions"] == mine["user_object_permissions"] == []
    number = make_user("eve")
    make_group("a", "view_space", "view_site")
    make_group("b", "view_space")
    make_group("c", "change_user", on=("user", number))
    root.patch("/users/ada/", {"groups": ["a", "b", "c"]})
    (mine,) = ada.get("/my-permissions/")
    assert [right["codename"] for right in mine["group_permissions"]] == ["view_site", "view_space"]
    (one,) = mine["group_object_permissions"]
    assert one == {
        "id": rights["change_user"], "app_label": "auth", "codename": "change_user", "model": "user",
        "name": "Can change user", "object_pk": str(number),
    }  # fmt: skip
    assert mine["user_permissions"] == mine["user_object_permissions"] == []


@pytest.mark.rule("ngenea 2")
def test_administrators_have_every_right_and_are_shown_so(nobody, root, rights):
    group = root.get("/groups/")["results"][0]
    path = f"/groups/{group['id']}/"
    assert set(group["permissions"]) == set(rights.values())
    assert root.patch(path, {"permissions": group["permissions"]})["permissions"] == group["permissions"]
    assert root.refused(400, "PATCH", path, {"permissions": group["permissions"][1:]}) == {
        "permissions": ["Administrators have every right."]
    }
    make_user("boss", "Administrators")
    (mine,) = nobody.log_in("boss").get("/my-permissions/")
    assert [right["id"] for right in mine["group_permissions"]] == sorted(rights.values())
    assert mine["user_permissions"] == []


def test_the_rights_there_are_cannot_be_changed(root, ada, rights):
    number = rights["view_space"]
    assert root.get(f"/permissions/{number}/")["codename"] == "view_space"
    assert ada.get("/permissions/")["count"] == 0
    ada.refused(404, "GET", f"/permissions/{number}/")
    for method in ("POST", "PATCH", "DELETE", "PUT"):
        answer = root.call(method, f"/permissions/{number}/", {})
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) >= {"GET"}
