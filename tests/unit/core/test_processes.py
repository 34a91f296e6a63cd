"""Several processes and forks on one database: nobody is told that it is locked, no write is lost."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.core import db
from tests.unit.core.conftest import names

ROOT = Path(__file__).parents[3]

WRITER = """
import sys, threading
from pathlib import Path
from app.core import db

url, folder, threads, times = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
db.configure(url, lock_dir=folder)
if not db.is_postgres():
    db.db.obj._timeout = 0  # so that nothing but the queue and the lock file prevents "database is locked"
errors = []

def bump():
    try:
        for _ in range(times):
            with db.write():
                (name,) = db.row("SELECT name FROM test_note" + (" FOR UPDATE" if db.is_postgres() else ""))
                db.execute("UPDATE test_note SET name = ?", str(int(name) + 1))
    except BaseException as exc:
        errors.append(repr(exc))

workers = [threading.Thread(target=bump) for _ in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
sys.exit("\\n".join(errors) or 0)
"""

FORKER = """
import os, sys
from pathlib import Path
from app.core import db

url, folder = sys.argv[1], Path(sys.argv[2])
db.configure(url, lock_dir=folder)
if not db.is_postgres():
    db.db.obj._timeout = 0  # so that only the lock file makes one wait for the other

def insert(name):
    with db.write():
        db.execute("INSERT INTO test_note (tenant_id, name) VALUES ('', ?)", name)

insert("before")
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    with db.write():
        db.execute("INSERT INTO test_note (tenant_id, name) VALUES ('', 'child')")
        os.write(writing, b".")
        sys.stdin.readline()
    os._exit(0)
os.read(reading, 1)
print("child", flush=True)
insert("parent")
_, status = os.waitpid(child, 0)
insert("after")
sys.exit(os.waitstatus_to_exitcode(status))
"""


def python(code: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("notes")
def test_two_processes_of_twenty_writers_are_never_told_locked(database: Any) -> None:
    with db.write():
        db.execute("INSERT INTO test_note (tenant_id, name) VALUES ('', '0')")
    processes = [python(WRITER, database.url, database.folder, 20, 5) for _ in range(2)]
    assert [process.communicate()[1] for process in processes] == ["", ""]
    assert [process.returncode for process in processes] == [0, 0]
    assert names() == ["200"]


@pytest.mark.usefixtures("notes")
def test_a_forked_child_opens_everything_itself(database: Any) -> None:
    process = python(FORKER, database.url, database.folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "child\n"
    time.sleep(0.2)  # the parent has come to its own write, which must wait for the child's
    assert process.communicate("go on\n") == ("", "")
    assert process.returncode == 0
    assert names() == ["after", "before", "child", "parent"]
