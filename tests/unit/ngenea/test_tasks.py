"""The arguments of tasks (ngenea 3.2)."""

import pytest

from app.ngenea import tasks

rule = pytest.mark.rule


@rule("ngenea 3.2")
def test_names_go_with_and_without_their_prefix():
    assert tasks.find("migrate") is tasks.find("dynamo.tasks.migrate")
    assert tasks.find("recall") is tasks.find("dynamo.tasks.recall")
    assert tasks.find("dynamo.tasks.nothing") is None
    assert tasks.find("") is None
    assert tasks.faults("nothing", {}) == ["there is no task nothing"]


@rule("ngenea 3.2")
@pytest.mark.parametrize(
    ("task", "arguments", "faulty"),
    [
        ("migrate", {"premigrate": True, "stub_size": 4096, "endpoint": "t", "lock_level": "none"}, []),
        ("migrate", {"endpoint": None}, []),
        (
            "migrate",
            {"premigrate": 1, "stub_size": True, "lock_level": "loud"},
            ["premigrate", "stub_size", "lock_level"],
        ),
        ("migrate", {"stub_size": -1}, ["stub_size"]),
        ("migrate", {"stub_size": 2**63}, ["stub_size"]),
        ("migrate", {"skip_hash": True}, ["skip_hash"]),
        ("migrate", {"overwrite": None}, ["overwrite"]),
        ("recall", {"skip_hash": True, "default_uid": 0, "default_gid": None, "update_atime": False}, []),
        ("recall", {"default_uid": "root", "delete_remote": "yes"}, ["default_uid", "delete_remote"]),
    ],
)
def test_arguments_that_a_task_does_not_take(task, arguments, faulty):
    assert [fault.partition(":")[0] for fault in tasks.faults(task, arguments)] == faulty


def test_every_default_may_be_given():
    for task in tasks.TASKS.values():
        assert task.faults({name: argument.default for name, argument in task.arguments.items()}) == []
