"""Questions to a site that somebody waits for: asked through the database, answered by a worker there (ngenea 3.8).

The asker writes a row and a unit of work, and looks for the answer until its patience ends; what nobody waits for any
more is not answered. Who looks at files has seats and threads apart from who tries a bucket, which may take long.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import structlog

from app.core import clock, db, ids, work
from app.core.errors import GatewayTimeout, Unavailable
from app.ngenea import health, here
from models.ngenea.sites import Question

Document = dict[str, Any]
KIND: Final = "ngenea.browse"
LOOK, CHECK = "look", "check"  # what is asked
# Askers of this process that may wait; each holds one of the 8 threads that others need too.
SEATS: Final = {LOOK: threading.BoundedSemaphore(5), CHECK: threading.BoundedSemaphore(2)}
PATIENCE: Final = 1.0  # seconds that somebody waits for a seat
FIRST_LOOK, LAST_LOOK = 0.02, 0.2  # seconds between two looks for an answer
KEPT: Final = timedelta(minutes=1)  # beyond the time that somebody waits; the clocks of hosts differ

log = structlog.get_logger("flotilla.ngenea")

# (site, question) -> answer, a JSON object. Outside of units of work on the database.
Answer = Callable[[int, Document], Document]
_answers: dict[str, Answer] = {}


def answers(name: str) -> Callable[[Answer], Answer]:
    """Decorator: `function(site, question)` answers questions whose `kind` is `name`."""

    def register(function: Answer) -> Answer:
        if name in _answers:
            raise ValueError(f"two functions for questions of kind {name}")
        _answers[name] = function
        return function

    return register


@contextmanager
def seat(kind: str) -> Iterator[None]:
    """A place among those who wait for a site or a bucket. Raises Unavailable when all stay taken."""
    seats = SEATS[kind]
    if not seats.acquire(timeout=PATIENCE):
        raise Unavailable("too many are waiting for sites", headers={"Retry-After": "2"})
    try:
        yield
    finally:
        seats.release()


def ask(sites: Iterable[Any], question: Document, seconds: float) -> list[Document | str]:
    """The answer of each of these sites, or a line that says why there is none.

    Opens its own units. A site without a node that is online is not asked. Raises Unavailable when too many wait.
    """
    wanted = list(sites)
    with db.read():
        alive = [health.has_node(site.pk) for site in wanted]
    if not any(alive):
        return [_nobody(site) for site in wanted]
    with seat(question["kind"]):
        asked = _put([site.pk for site, online in zip(wanted, alive, strict=True) if online], question, seconds)
        try:
            found = _wait(list(asked.values()), seconds)
        finally:
            _remove(list(asked.values()))
    return [_said(site, asked, found) for site in wanted]


def _nobody(site: Any) -> str:
    return f"no worker of the site {site.name} is online"


def _said(site: Any, asked: dict[int, str], found: dict[str, Document]) -> Document | str:
    if site.pk not in asked:
        return _nobody(site)
    answer = found.get(asked[site.pk])
    if answer is None:
        return f"no worker of the site {site.name} has answered in time"
    if "failed" in answer:
        raise RuntimeError(f"a worker of the site {site.name} failed: {answer['failed']}")
    return answer


def ask_one(site: Any, question: Document, seconds: float) -> Document:
    """The answer of a site. Opens its own units. Raises GatewayTimeout, Unavailable."""
    answer = ask([site], question, seconds)[0]
    if isinstance(answer, str):
        raise GatewayTimeout(answer)
    return answer


def _put(sites: list[int], question: Document, seconds: float) -> dict[int, str]:
    until = clock.now() + timedelta(seconds=seconds)
    asked = {site: ids.uuid() for site in sites}
    with db.write():
        for site, name in asked.items():
            Question.create(site=site, question_id=name, question=question, answer=None, expires_ts=until)
            place = here.window(site) if question["kind"] == LOOK else here.place(site)
            work.enqueue(KIND, name, place=place)
    return asked


def _wait(names: list[str], seconds: float) -> dict[str, Document]:
    """The answers that have come, all of them or those that came in time."""
    deadline, pause = time.monotonic() + seconds, FIRST_LOOK
    while True:
        with db.read():
            rows = list(Question.select().where(Question.question_id.in_(names), Question.answer.is_null(False)))
        if len(rows) == len(names) or time.monotonic() > deadline:
            return {row.question_id: row.answer for row in rows}
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_LOOK)


def _remove(names: list[str]) -> None:
    """Forget questions, and the work that nobody has begun."""
    marks = ", ".join("?" * len(names))
    with db.write():
        Question.delete().where(Question.question_id.in_(names)).execute()
        db.execute(
            f"DELETE FROM core_work WHERE kind = ? AND state = 'queued' AND key IN ({marks})",  # noqa: S608
            KIND,
            *names,
        )


def purge() -> None:
    """Forget what askers that died have left. Opens its own units."""
    before = clock.now() - KEPT
    with db.read():
        left = [row.question_id for row in Question.select().where(Question.expires_ts < before).limit(500)]
    if left:
        _remove(left)


@work.kind(KIND, attempts=2)
def run(unit: work.Unit) -> None:
    """Answer the question that a unit of work is for, if somebody still waits."""
    with db.read():
        row: Any = Question.get_or_none(Question.question_id == unit.key, Question.expires_ts > clock.now() - KEPT)
    if row is None:
        return
    try:
        answer = _answers[row.question["kind"]](row.site_id, row.question)
    except Exception as exc:
        log.warning("a question was not answered", question=row.question["kind"], exc_info=exc)
        answer = {"failed": type(exc).__name__}
    with db.write():
        Question.update(answer=answer).where(Question.question_id == unit.key).execute()
