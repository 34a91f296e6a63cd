"""The folder of a space on one of its sites, made by a settings task (ngenea 4)."""

from typing import Any

from app.core import db
from app.ngenea import here, names, settings_tasks
from app.ngenea.rooted import Root
from models.ngenea.sites import SpaceSite

TYPE = "create_space"


def queue(space: Any, site: int) -> None:
    """Have the folder of a space made on a site; until then the space is not ready there. In a write unit."""
    request = {"space": space.pk, "name": space.name, "mountpoint": space.mountpoint}
    task_id = settings_tasks.queue(site, TYPE, f"Make the folder of the space {space.name}", request)
    where = (SpaceSite.space == space.pk, SpaceSite.site == site)
    SpaceSite.update(ready=False, task_id=task_id).where(*where).execute()


@settings_tasks.tasktype(TYPE)
def make(order: settings_tasks.Order) -> dict[str, Any]:
    """Make the folder, and those above it."""
    where = (SpaceSite.space == order.request["space"], SpaceSite.site == order.site)
    with db.read():
        if not SpaceSite.select().where(*where).exists():
            raise settings_tasks.Impossible("the space is not on this site any more")
    path = order.request["mountpoint"]
    try:
        Root(here.folder(order.site)).make_folders(names.read(path))
    except OSError as exc:
        raise OSError(f"{path}: {exc.strerror}") from exc
    with db.write():
        SpaceSite.update(ready=True).where(*where, SpaceSite.task_id == order.task_id).execute()
    return {"path": path}
