"""All tables. `ALL` is what migrations, the schema check and the tests go by."""

from importlib import import_module

from models.base import BaseModel

MODULES = (
    "models.core",
    "models.mender.counters",
    "models.mender.limits",
    "models.mender.useradm",
    "models.mender.devauth",
    "models.mender.inventory",
    "models.mender.artifacts",
    "models.mender.releases",
    "models.mender.deployments",
    "models.mender.audit",
    "models.nebula.definitions",
    "models.nebula.device_groups",
    "models.nebula.users",
    "models.nebula.reports",
    "models.vmm.users",
    "models.vmm.servers",
    "models.vmm.events",
    "models.vmm.simplestreams",
    "models.ngenea.users",
    "models.ngenea.sites",
    "models.ngenea.jobs",
    "models.ngenea.files",
)


def _models(name: str) -> list[type[BaseModel]]:
    """The tables a module defines, in the order of the file."""
    return [
        value
        for value in vars(import_module(name)).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == name
    ]


ALL: list[type[BaseModel]] = [model for name in MODULES for model in _models(name)]
