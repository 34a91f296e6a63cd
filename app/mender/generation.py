"""Artifacts generated from a raw file (mender 4.2)."""

import contextlib
import os
import re
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson

from app.core import db, storage
from app.core.calls import StagedFile
from app.core.errors import BadRequest, Conflict, InsufficientStorage, Unprocessable, is_disk_full
from app.mender import artifacts
from app.mender.artifact_file import FILE_NAME
from app.mender.artifact_writer import SingleFile, write

RESERVED: Final = ("dest_dir", "filename", "permissions")
MODE: Final = re.compile(r"[0-7]{3,4}")
PRINTABLE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
# Of args: what they are when they are left out; None is made from the rest of the request.
DEFAULTS: Final[Mapping[str, str | None]] = {
    "filename": None,
    "dest_dir": "",
    "permissions": "644",
    "software_filesystem": "rootfs-image",
    "software_name": "single-file",
    "software_version": None,
}


def generate(tenant: str, name: str, device_types: str, description: str, args: str | None, file: StagedFile) -> str:
    """Make and list an artifact of one file; its id. Opens its own units of work.

    Raises BadRequest for arguments that make no artifact, Unprocessable when the name is taken for a device type.
    """
    made = _single_file(name, device_types, args, file)
    db.outside("making an artifact")
    target = storage.spool_dir() / f"generated-{os.urandom(16).hex()}"
    try:
        write(target, made, file.path, file.size, file.sha256)
        return artifacts.upload(tenant, _staged(target), None, description)
    except OSError as exc:
        if is_disk_full(exc):
            raise InsufficientStorage("no space left") from exc
        raise
    except Conflict:
        raise Unprocessable("Artifact not unique: one of this name suits one of the device types") from None
    finally:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)


def _staged(target: Path) -> StagedFile:
    with target.open("rb") as written:
        digest = file_digest(written, "sha256").hexdigest()
    return StagedFile(target, target.stat().st_size, digest, "", artifacts.MEDIA_TYPE)


def _single_file(name: str, device_types: str, args: str | None, file: StagedFile) -> SingleFile:
    types = list(dict.fromkeys(part.strip() for part in device_types.split(",")))
    for what, texts in (("name", [name]), ("device_types_compatible", types)):
        if not all(PRINTABLE.fullmatch(text) for text in texts):
            raise BadRequest(f"{what}: each from 1 to 256 printable characters")
    given = _arguments(args)
    filename = given["filename"] or PurePosixPath(file.filename).name
    if not FILE_NAME.fullmatch(filename) or filename in (".", "..", *RESERVED):
        raise BadRequest(f"args: filename must be a name of letters, digits and .,_- other than {', '.join(RESERVED)}")
    dest_dir = given["dest_dir"]
    if not dest_dir or not dest_dir.startswith("/") or len(dest_dir) > 4096 or not dest_dir.isprintable():
        raise BadRequest("args: dest_dir must be an absolute path")
    if not MODE.fullmatch(given["permissions"] or ""):
        raise BadRequest("args: permissions must be three or four octal digits")
    software = (
        given["software_filesystem"] or "",
        given["software_name"] or "",
        given["software_version"] or name,
    )
    if not all(map(PRINTABLE.fullmatch, software)):
        raise BadRequest("args: software_* must be printable texts")
    return SingleFile(name, types, dest_dir, filename, given["permissions"] or "", software)


def _arguments(args: str | None) -> dict[str, str | None]:
    try:
        given: Any = orjson.loads(args or "{}")
    except orjson.JSONDecodeError:
        raise BadRequest("args: not valid JSON") from None
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise BadRequest("args: a JSON object of texts is wanted")
    unknown = sorted(given.keys() - DEFAULTS)
    if unknown:
        raise BadRequest(f"args: {unknown[0][:100]} is not known; there are {', '.join(DEFAULTS)}")
    return {**DEFAULTS, **given}
