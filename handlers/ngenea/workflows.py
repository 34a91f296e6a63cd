"""Workflows, and running them (ngenea 3.1, 3.5)."""

from app.core.calls import Caller, Request
from app.ngenea import submissions, workflows
from models.ngenea.jobs import Workflow


def list_workflows(page, page_size, request: Request):
    """Workflows in pages."""
    return workflows.listed(request, page, page_size)


def create_workflow(body: dict):
    """A new workflow."""
    return workflows.create(body), 201


def get_workflow(id_: int):
    """One workflow."""
    return workflows.describe(Workflow.get_by_id(id_))


def update_workflow(id_: int, body: dict):
    """Change a workflow."""
    return workflows.update(id_, body)


def delete_workflow(id_: int):
    """Delete a workflow."""
    workflows.delete(id_)
    return None, 204


def submit_workflow(body: dict, caller: Caller):
    """Run a workflow on files."""
    return submissions.submit(caller, body), 201
