"""What each operation asks of its caller; one that does not stand here is a fault that the tests find.

None: to be known is enough, and the operation itself looks at what it shows.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from app.core import db
from app.core.calls import Caller
from app.core.errors import Forbidden, NotFound
from app.ngenea import rights
from models.ngenea.jobs import Job, Task, Workflow
from models.ngenea.sites import (
    Bucket,
    ExternalTarget,
    Filesystem,
    Node,
    Queue,
    SettingsTask,
    Site,
    Space,
    StoragePool,
)
from models.ngenea.users import ClientKey, Group, Permission, User

FORBIDDEN: Final = "You do not have permission to perform this action."


class Need(NamedTuple):
    """A verb on the row of a model whose `column` (its number by default) is the path parameter.

    Without such a parameter it is the right on everything of the model.
    """

    verb: str
    model: Any
    parameter: str = "id_"
    column: Any = None


def _user(verb: str) -> Need:
    return Need(verb, User, "username", User.username)


NEEDS: Final[dict[str, Need | None]] = {
    "list_client_keys": None,
    "create_client_key": None,
    "get_client_key": Need("view", ClientKey),
    "update_client_key": Need("change", ClientKey),
    "delete_client_key": Need("delete", ClientKey),
    "list_users": None,
    "create_user": Need("add", User),
    "get_user": _user("view"),
    "update_user": _user("change"),
    "delete_user": _user("delete"),
    "activate_user": _user("change"),
    "deactivate_user": _user("change"),
    "change_password": None,
    "list_groups": None,
    "create_group": Need("add", Group),
    "get_group": Need("view", Group),
    "update_group": Need("change", Group),
    "delete_group": Need("delete", Group),
    "list_permissions": None,
    "get_permission": Need("view", Permission),
    "list_my_permissions": None,
    "list_sites": None,
    "create_site": Need("add", Site),
    "get_site": Need("view", Site),
    "update_site": Need("change", Site),
    "delete_site": Need("delete", Site),
    "get_site_health": Need("view", Site),
    "get_health": None,
    "list_nodes": None,
    "get_node": Need("view", Node),
    "update_node": Need("change", Node),
    "delete_node": Need("delete", Node),
    "list_queues": None,
    "get_queue": Need("view", Queue),
    "list_filesystems": None,
    "get_filesystem": Need("view", Filesystem),
    "list_storage_pools": None,
    "get_storage_pool": Need("view", StoragePool),
    "list_settings_tasks": None,
    "get_settings_task": Need("view", SettingsTask),
    "list_spaces": None,
    "create_space": Need("add", Space),
    "get_space": Need("view", Space),
    "update_space": Need("change", Space),
    "delete_space": Need("delete", Space),
    "list_buckets": None,
    "create_bucket": Need("add", Bucket),
    "get_bucket": Need("view", Bucket),
    "update_bucket": Need("change", Bucket),
    "delete_bucket": Need("delete", Bucket),
    "check_bucket": Need("change", Bucket),
    "list_external_targets": None,
    "create_external_target": Need("add", ExternalTarget),
    "get_external_target": Need("view", ExternalTarget),
    "update_external_target": Need("change", ExternalTarget),
    "delete_external_target": Need("delete", ExternalTarget),
    "browse_file": None,
    "list_space_files": Need("view", Space),
    "list_workflows": None,
    "create_workflow": Need("add", Workflow),
    "get_workflow": Need("view", Workflow),
    "update_workflow": Need("change", Workflow),
    "delete_workflow": Need("delete", Workflow),
    "submit_workflow": None,
    "list_jobs": None,
    "create_job": None,
    "list_recent_jobs": None,
    "get_job_stats": None,
    "list_job_types": None,
    "get_job": Need("view", Job),
    "delete_job": Need("delete", Job),
    "pause_job": Need("change", Job),
    "resume_job": Need("change", Job),
    "cancel_job": Need("change", Job),
    "resubmit_job": Need("change", Job),
    "get_job_progress": Need("view", Job),
    "get_job_statistics": Need("view", Job),
    "list_job_files": Need("view", Job),
    "list_jobstats": None,
    "get_jobstat": None,
    "get_jobstat_history": None,
    "list_tasks": None,
    "get_task": Need("view", Task),
    "list_task_files": Need("view", Task),
}


def authorise(operation_id: str, caller: Caller, values: Mapping[str, Any]) -> None:
    """Raises NotFound for what a caller may not know of, Forbidden for what they may not do."""
    need = NEEDS[operation_id] if caller.kind != "anonymous" else None
    if need is not None:
        with db.read():
            _check(caller, need, values)


def _check(caller: Caller, need: Need, values: Mapping[str, Any]) -> None:
    if need.parameter not in values:
        if not rights.may(caller, need.verb, need.model):
            raise Forbidden(FORBIDDEN)
        return
    column = need.model.pk if need.column is None else need.column
    this = need.model.select(need.model.pk).where(column == values[need.parameter])
    if not this.where(rights.visible(caller, need.model)).exists():
        raise NotFound("Not found.")
    if need.verb != "view" and not this.where(rights.permitted(caller, need.model, (need.verb,))).exists():
        raise Forbidden(FORBIDDEN)
