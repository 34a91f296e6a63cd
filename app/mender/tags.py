"""Tags: attributes that users set, guarded by an ETag (mender 3.1, 10)."""

from hashlib import sha256
from typing import Final

import orjson

from app.core import clock, db
from app.core.errors import BadRequest, NotFound, PreconditionFailed
from app.mender import attributes, audit
from app.mender.attributes import Attribute
from app.mender.device_document import Document, dump, load, locked

SCOPE: Final = "tags"
MAX_TAGS: Final = 20


def etag(document: str) -> str:
    """The ETag of the tags in a device's document."""
    tags = [attribute for (scope, _), attribute in sorted(load(document).items()) if scope == SCOPE]
    return f'"{sha256(orjson.dumps(tags)).hexdigest()[:16]}"'


def change(tenant: str, device_id: str, tags: list[Attribute], if_match: str | None, *, replace: bool) -> str:
    """Set tags, all or those that are named; the new ETag. Opens its own units.

    Raises BadRequest for a mixed list or more than 20 tags, NotFound, PreconditionFailed when `if_match` is not the
    present ETag.
    """
    wanted = attributes.checked(tags, SCOPE)
    attributes.intern(tenant, wanted)
    with db.write():
        row = locked(tenant, device_id)
        if row is None:
            raise NotFound("there is no such device")
        if if_match not in (None, "*", etag(row.document)):
            raise PreconditionFailed("the tags have changed meanwhile")
        before = load(row.document)
        after = _merged(before, wanted, replace)
        document = dump(device_id, after, row.updated)
        attributes.write(tenant, row.pk, before, after)
        db.execute("UPDATE mender_inventory SET document = ? WHERE pk = ?", document, row.pk)
        set_to = {name: tag["value"] for (scope, name), tag in after.items() if scope == SCOPE}
        audit.note(tenant, "update", "device", device_id, change={"tags": set_to})
    return etag(document)


def _merged(before: Document, wanted: Document, replace: bool) -> Document:
    """The document with the tags; one that says nothing new keeps its time."""
    now = clock.rfc3339(clock.now())
    after = {key: attribute for key, attribute in before.items() if not (replace and key[0] == SCOPE)}
    for key, attribute in wanted.items():
        old = before.get(key, {})
        same = {**old, "timestamp": None} == {**attribute, "timestamp": None}
        after[key] = old if same else {**attribute, "timestamp": now}
    if sum(scope == SCOPE for scope, _ in after) > MAX_TAGS:
        raise BadRequest(f"a device may have {MAX_TAGS} tags at most")
    return after
