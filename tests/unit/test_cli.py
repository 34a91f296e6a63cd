"""The `flotilla` command: what it prints, its exit codes, its errors, and the server as users run it (design 6)."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app import __version__, cli
from app.core import log
from app.core.ids import is_uuid
from app.settings import Settings
from tests.support import server as support

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def flotilla(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run the command in this process, in an empty folder: (exit code, stdout, stderr)."""
    for name in list(os.environ):
        if name.startswith("FLOTILLA_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["flotilla", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, said.out, said.err

    yield run
    with capsys.disabled():
        log.configure("error")


def test_help_is_quick_and_names_every_command():
    """Quick: nothing heavy is imported for it."""
    code = (
        "import sys, contextlib, app.cli; sys.argv = ['flotilla', '--help']\n"
        "with contextlib.suppress(SystemExit): app.cli.main()\n"
        "print('HEAVY', sorted({'connexion', 'peewee', 'uvicorn', 'flask', 'pydantic'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "HEAVY []" in shown
    for command in ("serve", "migrate", "routes", "settings", "admin", "spec"):
        assert f" {command} " in shown


@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["migrate"],
        ["routes"],
        ["settings"],
        ["admin", "create"],
        ["spec", "check"],
        ["spec", "export"],
        ["ngenea-worker"],
    ],
)
def test_every_command_takes_the_same_two_options_and_helps(flotilla, command):
    code, out, _ = flotilla(*command, "--help")
    assert code == 0
    assert "--data-dir" in out
    assert "--database-url" in out
    assert "Example: " in out or command == ["spec", "check"]


def test_version(flotilla):
    assert flotilla("--version") == (0, f"flotilla {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["serve", "--nonsense"], ["serve", "--port", "x"], ["admin", "create"]]
)
def test_what_it_does_not_know_is_a_usage_error(flotilla, arguments):
    code, out, err = flotilla(*arguments)
    assert (code, out) == (2, "")
    assert "Usage:" in err


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["serve", "--workers", "2"], {}, "WORKERS above 1 needs PostgreSQL: SQLite has one writer"),
        (["serve", "--tls-cert", "a.pem"], {}, "TLS_CERT and TLS_KEY go together"),
        (["serve", "--port", "99999"], {}, "PORT: "),
        (["serve"], {"NGENEA_SITE": "london"}, "NGENEA_SITE and NGENEA_ROOT go together"),
        (["serve"], {"NGENEA_SITE": "lon don", "NGENEA_ROOT": "/"}, "NGENEA_SITE: "),
        (["serve"], {"NGENEA_SITE": "london", "NGENEA_ROOT": "/dev/null"}, "NGENEA_ROOT: "),
        (["ngenea-worker", "--site", "london", "--root", "/dev/null"], {}, "/dev/null is no folder"),
        (["ngenea-worker", "--site", "lon don", "--root", "/"], {}, "'lon don' is no name"),
        (["ngenea-worker", "--site", "london", "--root", "/", "--queue", "a/b"], {}, "'a/b' is no name"),
        (["ngenea-worker", "--site", "london", "--root", "/", "--node", "a b"], {}, "'a b' is no name"),
        (["routes"], {"SYSTEMS": "nonsense"}, "unknown system nonsense"),
        (["settings"], {"PORT": "x"}, "PORT: "),
        (["migrate"], {"DATABASE_URL": "mysql://u:secret@h/n"}, "DATABASE_URL: "),
        (["migrate", "--database-url", "postgresql://u:secret@127.0.0.1:1/n"], {}, "the database does not answer"),
        (["migrate", "--data-dir", "/dev/null/x"], {}, "/dev/null/x: Not a directory"),
        (["spec", "export", "nonsense"], {}, "no system nonsense on the public listener"),
        (["spec", "export", "mender", "--audience", "internal"], {}, "no system mender on the internal listener"),
        (["spec", "export", "--output", "/dev/null/x"], {}, "/dev/null/x: "),
        (["admin", "create", "--email", "a@b.example", "--password", "short"], {}, "password: "),
        (["admin", "create", "--email", "nobody", "--password", support.PASSWORD], {}, "email: "),
        (
            ["admin", "create", "--email", "a@b.example", "--password", support.PASSWORD, "--system", "x"],
            {},
            "there is no system x",
        ),
    ],
)
def test_an_error_is_one_clear_line(flotilla, monkeypatch, arguments, environment, says):
    for name, value in environment.items():
        monkeypatch.setenv(f"FLOTILLA_{name}", value)
    code, _, err = flotilla(*arguments)
    assert code == 1
    line = err.splitlines()[-1]
    assert line.startswith(f"flotilla: {says}")
    assert "Traceback" not in err
    assert "secret" not in err


def test_a_port_that_is_taken(flotilla, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        said = flotilla("serve", "--port", str(port), "--internal-port", "0")
    assert said == (1, "", f"flotilla: cannot listen on 127.0.0.1:{port}: Address already in use\n")
    assert list(tmp_path.iterdir()) == []


def test_whoever_debugs_gets_the_trace(flotilla, monkeypatch):
    monkeypatch.setenv("FLOTILLA_LOG_LEVEL", "debug")
    monkeypatch.setattr(sys, "argv", ["flotilla", "spec", "export", "nonsense"])
    with pytest.raises(ValueError, match="no system nonsense"):
        cli.main()


def test_settings_show_values_and_sources_without_secrets(flotilla, tmp_path, monkeypatch):
    (tmp_path / "flotilla.toml").write_text('log_level = "error"\nspool_dir = "[red]x:smile:"\n')
    monkeypatch.setenv("FLOTILLA_PORT", "9000")
    code, out, _ = flotilla("settings", "--database-url", "postgresql://u:hunter2@h/n")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert {row[0] for row in rows[1:]} == {name.upper() for name in Settings.model_fields}
    assert ["PORT", "9000", "environment"] in rows
    assert ["LOG_LEVEL", "error", "flotilla.toml"] in rows
    assert ["DATABASE_URL", "postgresql://u:***@h/n", "option"] in rows
    assert ["SPOOL_DIR", f"{tmp_path}/[red]x:smile:", "flotilla.toml"] in rows


def test_routes_name_every_operation_of_the_published_documents(flotilla, tmp_path):
    code, out, _ = flotilla("routes")
    assert code == 0
    listed = [tuple(line.split()) for line in out.splitlines()[1:]]
    assert len(listed) == len(set(listed))
    published = set()
    for audience in ("public", "internal"):
        code, files, _ = flotilla("spec", "export", "--audience", audience, "--output", str(tmp_path / audience))
        assert code == 0
        for file in map(Path, files.splitlines()):
            document = json.loads(file.read_bytes())
            assert document["openapi"] == "3.0.3"
            published |= {
                (audience, file.stem, method.upper(), path, operation["operationId"])
                for path, item in document["paths"].items()
                for method, operation in item.items()
                if "operationId" in operation
            }
    assert set(listed) == published
    code, out, _ = flotilla("spec", "check")
    assert (code, out.split()[0]) == (0, str(len(listed)))


def test_one_document_can_be_exported(flotilla, tmp_path):
    assert flotilla("spec", "export", "mender", "--output", "out") == (0, "out/mender.json\n", "")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mender.json"]


def test_reading_commands_leave_nothing_behind(flotilla, tmp_path):
    for arguments in (["routes"], ["settings"], ["spec", "check"], ["--help"]):
        flotilla(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_migrate_and_the_first_user_without_a_server(flotilla, empty_database):
    where = ["--data-dir", "data", "--database-url", empty_database.url]
    code, out, _ = flotilla("migrate", *where)
    assert (code, out.split()[0]) == (0, "0001_initial")
    assert flotilla("migrate", *where)[:2] == (0, "The database is up to date.\n")
    account = ["--email", "you@example.com", "--password", support.PASSWORD, "--username", "you", "--system", "mender"]
    code, out, err = flotilla("admin", "create", *account, *where)
    assert code == 0, err
    assert is_uuid(out.splitlines()[-1])
    assert support.PASSWORD not in out + err
    code, out, err = flotilla("admin", "create", *account, *where)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == "flotilla: a user with this email exists"


def test_the_server_from_its_first_start_to_its_second(empty_database, tmp_path):
    """On PostgreSQL with two workers."""
    workers = {"WORKERS": "2"} if empty_database.kind == "postgres" else {}
    data = tmp_path / "data"
    server = support.start(data, empty_database.url, **workers)
    try:
        file = data / "admin-password"
        password = file.read_text().strip()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600
        assert is_uuid(server.user_id)
        assert server.login() != server.login("admin@localhost.localdomain", password)
        assert httpx.get(f"{server.internal_url}/readyz").json() == {"status": "ready"}
        assert httpx.get(f"{server.internal_url}/openapi/mender.json").status_code == 404
        assert httpx.get(f"{server.url}/openapi/mender.json").status_code == 200
        assert httpx.get(f"{server.url}/ui/").status_code == 200
    finally:
        assert server.stop() == 0
    said = server.log.read_text()
    assert password not in said
    assert server.url in said
    assert server.internal_url in said
    _start_again(server)
    assert file.read_text().strip() == password


def _start_again(server: support.Server) -> None:
    """Start a stopped server once more, log in, and end it as a terminal does."""
    with server.log.open("ab") as output:
        process = subprocess.Popen(
            [*support.COMMAND, "serve"], env=server.environment, cwd=server.data, stdout=output, stderr=output
        )
    again = replace(server, process=process)
    try:
        support._wait_ready(process, again.url, again.log)
        assert again.login()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        again.stop()


def test_a_limit_is_shown_and_set(flotilla, tmp_path):
    data = ("--data-dir", str(tmp_path / "data"))
    assert flotilla("mender", "limit", "max_devices", *data) == (0, "0\n", "")
    assert flotilla("mender", "limit", "max_devices", "250", *data) == (0, "250\n", "")
    assert flotilla("mender", "limit", "storage", *data) == (0, "0\n", "")
    assert flotilla("mender", "limit", "max_devices", *data) == (0, "250\n", "")
    for wrong in (("unheard",), ("storage", "-1"), ("storage", "many")):
        assert flotilla("mender", "limit", *wrong, *data)[0] == 2
