"""What users changed."""

from app.core import paging
from app.core.calls import Caller, Request
from app.mender import audit


def list_audit_logs(
    actor_id,
    actor_type,
    actor_email,
    action,
    object_id,
    object_type,
    object_deployment_name,
    created_after,
    created_before,
    sort,
    page,
    per_page,
    caller: Caller,
    request: Request,
):
    """One page of entries (mender 10)."""
    actor, thing = (actor_id, actor_type, actor_email), (object_id, object_type, object_deployment_name)
    wanted = audit.Filter(*actor, action, *thing, created_after, created_before)
    found, total = audit.list_entries(caller.tenant, wanted, sort, page, per_page)
    more = page * per_page < total
    return found, 200, {"Link": paging.links(request, page, per_page, more), "X-Total-Count": total}


def export_audit_logs(
    actor_id,
    actor_type,
    actor_email,
    action,
    object_id,
    object_type,
    object_deployment_name,
    created_after,
    created_before,
    sort,
    limit,
    caller: Caller,
):
    """Entries as CSV (mender 10)."""
    actor, thing = (actor_id, actor_type, actor_email), (object_id, object_type, object_deployment_name)
    wanted = audit.Filter(*actor, action, *thing, created_after, created_before)
    headers = {"Content-Disposition": 'attachment; filename="audit-log.csv"'}
    return audit.export(caller.tenant, wanted, sort, limit), 200, headers
