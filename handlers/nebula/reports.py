"""What workers report of themselves (nebula 7)."""

from app.core.calls import Caller
from app.nebula import reports


def list_reports(
    page_size: int,
    hostname,
    device_group,
    report_creation_time,
    report_creation_time_filter: str,
    last_id,
    updated,
    caller: Caller,
):
    """The next reports that the caller may see."""
    wanted = None if updated is None else updated.lower() == "true"
    found, last = reports.page(
        caller,
        reports.Query(
            page_size, hostname, device_group, report_creation_time, report_creation_time_filter, wanted, last_id
        ),
    )
    return {"data": found, "last_id": None if last is None else {"$oid": last}}


def create_report(body: dict, caller: Caller):
    """A report of a worker."""
    return {"_id": {"$oid": reports.create(caller, body)}}, 201
