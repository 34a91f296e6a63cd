"""What a submission asks for: a workflow that may be run, values of its fields, sites and queues (ngenea 3.5).

All of it is settled here, so that a later change of the workflow changes no job.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.core.calls import Caller
from app.ngenea import definitions, known, tasks
from app.ngenea.faults import Faults, refuse, refuse_one
from models.ngenea.jobs import Workflow
from models.ngenea.sites import Queue

Document = dict[str, Any]
DEFAULT_QUEUE: Final = "default"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a submission asks for, found: rows of the workflow, the site and the queue."""

    workflow: Any
    site: Any
    queue: Any
    fields: Mapping[str, Any]
    definition: Document


def find(caller: Caller, body: Document, site: Any) -> Asked:
    """What a submission asks for on a site. Raises BadRequest, naming the field."""
    workflow: Any = Workflow.get_or_none(Workflow.name == body["workflow"])
    if workflow is None:
        raise refuse_one("/workflow", "There is no such workflow.")
    refuse(_closed(workflow))
    discovery = _discovery(body, workflow)
    fields = _fields(caller, workflow.fields, body.get("fields") or {})
    queue = _queue(body.get("queue"), workflow.preferred_queue, site)
    own = (
        [] if body.get("ignore_site_includes") else site.include or [],
        [] if body.get("ignore_site_excludes") else site.exclude or [],
    )
    definition = {
        "label": workflow.label,
        "discovery": discovery,
        "skip_missing": bool(workflow.discovery_options.get("skip_missing")),
        "globs": [own, (body.get("include") or [], body.get("exclude") or [])],
        "closed": known.closed(caller, site),
        "rules": _rules(caller, workflow.filter_rules, fields, site, queue.name),
    }
    return Asked(workflow, site, queue, fields, definition)


def _closed(workflow: Any) -> Faults:
    """Why a workflow cannot be run, if so."""
    reasons = (
        (not workflow.enabled, "The workflow is disabled."),
        (workflow.schedule_only, "The workflow runs on a schedule only."),
        (workflow.external_only, "The workflow takes paths of external targets only."),
        (workflow.discovery not in definitions.DISCOVERIES, "The workflow's discovery is not offered."),
    )
    return [("/workflow", reason) for closed, reason in reasons if closed][:1]


def _discovery(body: Document, workflow: Any) -> str | None:
    """How files are found: as the request says, else the workflow. Raises BadRequest."""
    wanted: str | None = body.get("discovery") or workflow.discovery
    if wanted not in definitions.DISCOVERIES:
        later = wanted in definitions.LATER
        raise refuse_one("/discovery", "This discovery is not offered yet." if later else "There is no such discovery.")
    if wanted == "recursive" and all(rule["state"] != "all" for rule in workflow.filter_rules):
        raise refuse_one("/discovery", "No rule of the workflow takes what a recursive discovery finds.")
    return wanted


def _fields(caller: Caller, declared: list[Document], given: Document) -> Document:
    """The values of all fields. Raises BadRequest."""
    by_name = {field["name"]: field for field in declared}
    faults = [
        (f"/fields/{definitions.pointer(name)}", "There is no such field.") for name in given if name not in by_name
    ]
    values: Document = {}
    for name, field in by_name.items():
        value = given.get(name)
        values[name] = field.get("default") if value is None else value
        where = f"/fields/{definitions.pointer(name)}"
        if values[name] is None and field.get("required"):
            faults.append((where, "This field is required."))
        elif value is not None and (fault := definitions.value_fault(field, value)):
            faults.append((where, fault))
        elif value and field["type"] == "site" and known.site_named(caller, value) is None:
            faults.append((where, f"There is no site {value}."))
    refuse(faults)
    return values


def _queue(wanted: str | None, preferred: str, site: Any) -> Any:
    """The row of a queue of the site. Raises BadRequest."""
    known = {row.name: row for row in Queue.select().where(Queue.site == site.pk)}
    if wanted and wanted not in known:
        raise refuse_one("/queue", "The site has no such queue.")
    for name in (wanted, preferred, DEFAULT_QUEUE):
        if name and name in known:
            return known[name]
    raise refuse_one("/queue", "The site has no queue.")


def _rules(caller: Caller, given: list[Document], fields: Mapping[str, Any], site: Any, queue: str) -> list[Document]:
    """The rules with every action settled. Raises BadRequest."""
    return [
        {
            **{name: rule[name] for name in ("type", "state")},
            **{name: rule.get(name) or [] for name in ("include", "exclude")},
            "actions": [_action(caller, one, fields, site, queue) for one in rule["action"]],
        }
        for rule in given
    ]


def _action(caller: Caller, written: Document, fields: Mapping[str, Any], site: Any, queue: str) -> Document:
    """An action as it was written in a rule, settled. Raises BadRequest."""
    action = definitions.substituted(written, fields)
    there, its_queue = site, queue
    if action.get("site") not in (None, "", site.name):
        there = known.site_named(caller, action["site"])
        if there is None:
            raise refuse_one(_said_by(written, "site"), f"There is no site {action['site']}.")
        its_queue = DEFAULT_QUEUE
    if action.get("queue"):
        its_queue = action["queue"]
        if not Queue.select().where(Queue.site == there.pk, Queue.name == its_queue).exists():
            raise refuse_one(_said_by(written, "queue"), f"Site {there.name} has no queue {its_queue}.")
    task = tasks.find(str(action["name"]))
    if task is None:
        raise refuse_one(_said_by(written, "name"), f"There is no task {action['name']}.")
    arguments = {name: value for name, value in definitions.arguments(action).items() if value is not None}
    refuse([(_said_by(written, at), fault) for at, one in arguments.items() for fault in task.faults({at: one})])
    return {"task": task.name, "arguments": arguments, "site": there.pk, "queue": its_queue}


def _said_by(written: Document, name: str) -> str:
    """The pointer to what gave an argument of an action its value: a field of the request, else the workflow."""
    field = next(definitions.references({name: written[name]}), None)
    return "/workflow" if field is None else f"/fields/{definitions.pointer(field)}"
