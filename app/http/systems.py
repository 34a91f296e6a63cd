"""The systems of systems.yaml: the files, path prefixes and rules of each, on each listener."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from app.core.calls import Audience


class SpecError(Exception):
    """A spec that must not be served: names the file or operation and what is wrong with it."""


@dataclass(frozen=True)
class Login:
    """How people log in on the pages: what takes a name and password as basic authentication and answers a token."""

    path: str
    logout: str
    scheme: str  # the security scheme that the token is for
    reset: str = ""  # what takes a mailed secret and a new password


@dataclass(frozen=True)
class System:
    """One entry of systems.yaml: which files and path prefixes a system has on each listener."""

    name: str
    title: str
    envelope: str
    files: dict[Audience, list[str]]
    prefixes: dict[Audience, list[str]]
    security: dict[str, str] = field(default_factory=dict)
    login: Login | None = None
    challenge: str = ""  # what WWW-Authenticate says, where it is not just what the schemes are called
    authorise: str = ""  # the function that says who may do what
    negotiate: str = ""  # the function that looks at the media types of a request
    media: str = "application/json"  # of errors
    aliases: dict[Audience, dict[str, str]] = field(default_factory=dict)  # path prefix -> the one it stands for
    sockets: dict[Audience, list[str]] = field(default_factory=dict)  # paths that websockets may ask for
    mount: str = ""  # a path in front of all its paths
    is_open: bool = False  # no operation asks for a credential


def root() -> Path:
    """The folder of the OpenAPI files: inside the package when installed from a wheel, else beside it."""
    inside = Path(__file__).parent.parent / "openapi"
    return inside if inside.is_dir() else Path(__file__).parent.parent.parent / "openapi"


def load_systems(folder: Path, chosen: list[str] | None = None) -> list[System]:
    """The systems of systems.yaml that a server offers; `chosen` None = all, `flotilla` is always among them."""
    declared = load(folder / "systems.yaml")["systems"]
    unknown = set(chosen or ()) - set(declared)
    if unknown:
        raise SpecError(f"unknown system {', '.join(sorted(unknown))}: there are {', '.join(sorted(declared))}")
    return [
        System(
            name=name,
            title=entry.get("title", name),
            envelope=entry["envelope"],
            files={a: (entry.get(a) or {}).get("files", []) for a in ("public", "internal")},
            prefixes={a: (entry.get(a) or {}).get("prefixes", []) for a in ("public", "internal")},
            security=entry.get("security") or {},
            login=Login(**entry["login"]) if "login" in entry else None,
            challenge=entry.get("challenge", ""),
            authorise=entry.get("authorise", ""),
            negotiate=entry.get("negotiate", ""),
            media=entry.get("media", "application/json"),
            aliases={a: (entry.get(a) or {}).get("aliases", {}) for a in ("public", "internal")},
            sockets={a: (entry.get(a) or {}).get("sockets", []) for a in ("public", "internal")},
        )
        for name, entry in declared.items()
        if chosen is None or name in chosen or name == "flotilla"
    ]


def mounted(system: System, prefix: str) -> System:
    """The system with `prefix` in front of all its paths."""
    prefixes = {audience: [prefix + path for path in paths] for audience, paths in system.prefixes.items()}
    return replace(system, mount=prefix, prefixes=prefixes)


def load(file: Path) -> Any:
    # The safe loader in C: four times faster, same result.
    return yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
