"""Canaries: a secret of each kind goes through a genuine server; none is seen where it does not belong."""

import base64
import os
import signal
import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.support import server as servers
from tests.support.artifacts import Payload, build
from tests.support.lxd import furnish, lxd
from tests.support.mender import DEPLOYMENTS, DEVAUTH, DEVICE_INVENTORY, DEVICES, USERADM, Device, pem, sign
from tests.support.nebula import API as NEBULA
from tests.support.vmm import API as VMM
from tests.support.vmm import host, on

ARTIFACTS = f"{DEPLOYMENTS}/artifacts"
LOCAL = "canary-of-the-local-administrator"
OWN_FILES = {"secret.key", "admin-password"}  # secrets by purpose, for the owner's eyes only


class Canaries:
    """What was sent and must not be seen, by what it is."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}

    def add(self, what: str, secret: str | bytes) -> str:
        raw = secret if isinstance(secret, bytes) else secret.encode()
        assert len(raw) >= 8, "too short to be looked for"
        self.secrets[what] = raw
        return raw.decode("latin-1")

    def found_in(self, text: bytes, *allowed: str) -> list[str]:
        return [what for what, secret in self.secrets.items() if secret in text and what not in allowed]


def processes() -> bytes:
    """The command lines of all processes, as `ps` shows them to everybody; this test's own are not the product's."""
    ours = {os.getpid(), os.getppid()}
    lines = b""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) not in ours:
            try:
                lines += (folder / "cmdline").read_bytes() + b"\n"
            except OSError:
                continue
    return lines


def database(server) -> bytes:
    """Everything that stands in the database."""
    url = server.environment.get("FLOTILLA_DATABASE_URL")
    if url is None:
        files = server.data.glob("flotilla.db*")
        whole = b"".join(file.read_bytes() for file in files)
        with sqlite3.connect(server.data / "flotilla.db") as connection:
            return whole + "\n".join(connection.iterdump()).encode()
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [connection.execute(f'SELECT t::text FROM "{name}" t').fetchall() for (name,) in tables]
    return repr(rows).encode()


@pytest.fixture(params=[("sqlite", "text"), ("postgres", "json")], ids=lambda found: "-".join(found))
def server(request, tmp_path, cluster):
    kind, style = request.param
    settings = {"LOG_LEVEL": "debug", "LOG_FORMAT": style, "FAILPOINTS": str(tmp_path / "orders")}
    settings |= {
        "NEBULA_BASIC_AUTH_USER": "boss",
        "NEBULA_BASIC_AUTH_PASSWORD": LOCAL,
        "NEBULA_AUTH_TOKEN": f"{LOCAL}-token",
        "VMM_ALLOWED_HOSTS": "127.0.0.1",
    }
    url = None
    if kind == "postgres":
        url = cluster.create(f"canaries_{uuid4().hex}").replace("postgres@", "postgres:canary-database-password@")
    started = servers.start(tmp_path / "data", url, prepared=False, **settings)
    yield started
    started.stop()


def nebula(canaries, send):
    """The same for the Nebula manager: the local administrator's, users' passwords and tokens, by each way in."""
    boss = ("boss", canaries.add("local password", LOCAL))
    canaries.add("local Basic header", base64.b64encode(f"boss:{LOCAL}".encode()))
    password, token = (
        canaries.add("nebula password", "canary-nebula-password"),
        canaries.add("nebula token", "canary-nebula-token"),
    )
    wrong = canaries.add("nebula wrong password", "canary-nebula-wrong")
    assert (
        send("POST", f"{NEBULA}/users/bird", auth=boss, json={"password": password, "token": token}).status_code == 200
    )
    assert send("PUT", f"{NEBULA}/users/bird/update", auth=boss, json={"password": password}).status_code == 200
    for auth, status in ((("bird", password), 200), (("bird", wrong), 401), (("boss", wrong), 401)):
        canaries.add(f"Basic header of {auth}", base64.b64encode(":".join(auth).encode()))
        assert send("GET", f"{NEBULA}/status", auth=auth).status_code == status
    for bearer, status in ((token, 200), (f"{LOCAL}-token", 200), (f"{token}x", 401)):
        answer = send("GET", f"{NEBULA}/status", headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code == status
    assert send("GET", f"{NEBULA}/users/bird", auth=boss).status_code == 200
    fresh = send("POST", f"{NEBULA}/users/bird/refresh", "refreshed token", auth=boss).json()["token"]
    canaries.add("refreshed token", fresh)
    for bad in ({"password": [wrong]}, {"token": f"{wrong} "}, [wrong]):
        assert send("PUT", f"{NEBULA}/users/bird/update", auth=boss, json=bad).status_code == 400


def in_panel(send):
    """Calls of ui-vmm's methods: the name and body, the secrets that the answer may hold, the token."""
    media = {"Content-Type": "application/vnd.api+json"}

    def call(method, body, *own, token=None):
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        return send("POST", f"{VMM}/{method}", *own, json=body, headers={**media, **bearer})

    return call


def vmm(canaries, send, user, password):
    """The same for ui-vmm: sessions, tokens for programs, new and wrong passwords, codes that nobody was mailed."""
    call = in_panel(send)

    def log_in(password):
        answer = call("user.login", {"user_login": user, "user_password": password}, "vmm session")
        token = answer.json()["data"]["attributes"]["token"] if answer.status_code == 200 else None
        return canaries.add("vmm session", token) if token else answer.status_code

    wrong, new = canaries.add("vmm wrong password", "canary-vmm-wrong"), canaries.add("vmm password", "canary-vmm-new")
    assert log_in(wrong) == 401
    session = log_in(password)
    made = call("token.create", {"token_lifetime": 60}, "vmm token", token=session).json()["data"]["attributes"][
        "token"
    ]
    canaries.add("vmm token", made)
    for method in ("token.get", "user.get", "user.credentialGet", "ssh-key.get"):
        assert call(method, {}, token=made).status_code == 200
    assert call("user.get", {}, token=f"{made}x").status_code == 401
    change = {"user_password": new, "user_passwordRepeat": wrong}
    assert call("user.passwordChange", change, token=made).status_code == 400
    assert call("user.passwordChange", change | {"user_passwordRepeat": new}, token=made).status_code == 200
    assert call("user.passwordChange", {"user_password": [new]}, token=made).status_code == 400
    code = canaries.add("vmm code", "canary-of-a-code-4f6d-9eda-41c784713b7d")
    recovery = {"user_email": "", "user_code": code, "user_password": new, "user_passwordRepeat": new}
    assert call("user.recovery", recovery).status_code == 400
    passkey = {"user_login": user, "id": "canary-of-a-key", "rawId": "canary-of-a-key", "type": "public-key"}
    signed = {
        "authenticatorData": "AAAA",
        "clientDataJSON": "e30",
        "signature": canaries.add("vmm signature", "canarySignature"),
    }
    assert call("user.assertionVerify", passkey | {"response": signed}).status_code == 401
    assert call("user.logout", {}, token=made).status_code == 200


def ngenea(canaries, send, user, password):
    """The same for Ngenea Hub: passwords, tokens, keys for programs, what opens a bucket."""
    name = user.partition("@")[0]
    wrong, new = (
        canaries.add("hub wrong", "canary-hub-wrong"),
        canaries.add("hub new password", "passphrase-of-a-yellow-bird"),
    )
    assert send("POST", "/api/auth/token/", json={"username": name, "password": wrong}).status_code == 401
    log_in = {"username": name, "password": password}
    given = send("POST", "/api/auth/token/", "hub access", "hub refresh", json=log_in).json()
    access, refresh = canaries.add("hub access", given["access"]), canaries.add("hub refresh", given["refresh"])
    bearer = {"Authorization": f"Bearer {access}"}
    again = send("POST", "/api/auth/token/refresh/", "hub second", "hub refresh", json={"refresh": refresh}).json()
    canaries.add("hub second", again["access"])
    verify = {"token": refresh, "type": "refresh"}
    assert send("POST", "/api/auth/token/verify/", "hub refresh", json=verify).status_code == 200
    assert (
        send("POST", "/api/auth/token/verify/", json={"token": access[:-3] + "AAA", "type": "access"}).status_code
        == 401
    )
    made = send("POST", "/api/auth/clientkeys/", "hub key", headers=bearer, json={"name": "canary"}).json()
    key = canaries.add("hub key", made["api_key"].partition(".")[2])
    assert send("GET", "/api/users/", headers={"Authorization": f"Api-Key {made['api_key']}"}).status_code == 200
    assert send("GET", "/api/users/", headers={"Authorization": f"Api-Key {key}"}).status_code == 401
    change = {"old_password": password, "new_password": new}
    for body, status in (
        ({**change, "old_password": wrong}, 400),
        ({**change, "new_password": [new]}, 400),
        (change, 200),
    ):
        assert send("POST", "/api/users/change_password/", headers=bearer, json=body).status_code == status
    body = {"username": "canary2", "password": new}
    assert send("POST", "/api/users/", headers=bearer, json=body).status_code == 201
    assert send("PATCH", "/api/users/canary2/", headers=bearer, json={"password": new}).status_code == 200
    secret = canaries.add("bucket secret", "canary-of-a-bucket-secret-access-key")
    bucket = {"name": "canary", "storage_type": "S3", "access_key_id": "canary-access-id", "secret_access_key": secret}
    canaries.add("bucket key id", bucket["access_key_id"])
    made = send(
        "POST", "/api/buckets/", headers=bearer, json={**bucket, "endpoint": "127.0.0.1", "port": 1, "scheme": "http"}
    )
    assert made.status_code == 201, made.text
    number = send("GET", "/api/buckets/", headers=bearer).json()["results"][0]["id"]
    assert send("POST", f"/api/buckets/{number}/check/", headers=bearer).json()["ok"] is False
    assert (
        send("PATCH", f"/api/buckets/{number}/", headers=bearer, json={"secret_access_key": secret}).status_code == 200
    )
    assert (
        send("PATCH", f"/api/buckets/{number}/", headers=bearer, json={"secret_access_key": [secret]}).status_code
        == 400
    )


def sender(server):
    """A client that remembers its answers, with the secrets that each may hold."""
    answers = []
    http = httpx.Client(base_url=server.url, timeout=60, verify=False)

    def send(method, path, *own, **options):
        answer = http.request(method, path, **options)
        answers.append((answer, own))
        return answer

    return http, send, answers


def exercise(server, canaries, tmp_path):
    """Send every kind of secret, rightly and wrongly; the answers, with the secrets each may hold."""
    http, send, answers = sender(server)
    user, password = "canary@example.com", canaries.add("password", "canary-password-right")
    made = subprocess.run(
        [*servers.COMMAND, "admin", "create", "--email", user, "--password", "-"],
        input=f"{password}\n",
        env=server.environment,
        cwd=server.data,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    assert not canaries.found_in((made.stdout + made.stderr).encode())
    wrong = canaries.add("wrong password", "canary-password-wrong")
    for each in (password, wrong):
        canaries.add(f"Basic header of {each}", base64.b64encode(f"{user}:{each}".encode()))
    login = f"{USERADM}/auth/login"
    assert send("POST", login, auth=(user, wrong)).status_code == 401
    token = send("POST", login, "user token", auth=(user, password)).text
    canaries.add("user token", token)
    bearer = {"Authorization": f"Bearer {token}"}
    assert send("GET", f"{DEVAUTH}/devices", headers={"Cookie": f"JWT={token}"}).status_code == 200
    forged = canaries.add("forged token", token[:-12] + "canaryCANARY")
    assert send("GET", f"{DEVAUTH}/devices", headers={"Authorization": f"Bearer {forged}"}).status_code == 401

    device = Device(http, identity={"mac": "02:00:00:00:00:77"})
    body = f'{{"id_data": "{{\\"mac\\": \\"02:00:00:00:00:77\\"}}", "pubkey": {pem(device.key)!r}}}'.replace("'", '"')
    signature = canaries.add("device signature", sign(device.key, body.encode()))
    ask = {"content": body, "headers": {"X-MEN-Signature": signature, "Content-Type": "application/json"}}
    assert send("POST", f"{DEVICES}/authentication/auth_requests", **ask).status_code == 401
    entry = send("GET", f"{DEVAUTH}/devices", headers=bearer).json()[0]
    path = f"{DEVAUTH}/devices/{entry['id']}/auth/{entry['auth_sets'][0]['id']}/status"
    assert send("PUT", path, headers=bearer, json={"status": "accepted"}).status_code == 204
    device.token = send("POST", f"{DEVICES}/authentication/auth_requests", "device token", **ask).text
    canaries.add("device token", device.token)
    assert send("PATCH", DEVICE_INVENTORY, headers=device.headers, json=[]).status_code == 200

    content = canaries.add("content of an upload", b"canary-inside-an-upload" * 4).encode()
    whole = build(name="canary", payloads=[Payload(files={"file": content})])
    for upload in (whole, whole[:-2000], b"canary-inside-an-upload" * 100):
        send("POST", ARTIFACTS, headers=bearer, files={"artifact": ("a", upload)})
    listed = send("GET", ARTIFACTS, headers=bearer).json()[0]
    link = send("GET", f"{ARTIFACTS}/{listed['id']}/download", "signature of a link", headers=bearer).json()["uri"]
    canaries.add("signature of a link", parse_qs(urlsplit(link).query)["x-men-signature"][0])
    assert send("GET", link, "content of an upload").status_code == 200
    assert send("GET", link + "x").status_code in (400, 403)

    nebula(canaries, send)
    vmm(canaries, send, user, password)
    ngenea(canaries, send, user, password)

    # Where nobody expects one.
    query = canaries.add("password in a query", "canary-in-a-query")
    send("GET", f"{ARTIFACTS}?password={query}&token={query}", headers=bearer)
    send("GET", f"/api/management/v1/deployments/nothing?token={query}", headers=bearer)
    hidden = canaries.add("password in a bad body", "canary-in-a-bad-body")
    for bad in ({"name": {"password": hidden}}, {"artifact_name": [hidden]}, [hidden]):
        send("POST", f"{DEPLOYMENTS}/deployments", headers=bearer, json=bad)
    send("POST", f"{DEPLOYMENTS}/deployments", headers=bearer, content=f'{{"password": "{hidden}'.encode())

    # A bug of ours, with the secrets in the variables of its stack.
    (tmp_path / "orders").write_text("handler error\n")
    assert send("POST", login, auth=(user, password)).status_code == 500
    assert send("PATCH", DEVICE_INVENTORY, headers=device.headers, json=[]).status_code == 500
    (tmp_path / "orders").unlink()
    return answers


def test_no_secret_is_seen(server, tmp_path):
    canaries = Canaries()
    canaries.add("first administrator's password", (server.data / "admin-password").read_text().strip())
    key = (server.data / "secret.key").read_bytes()
    for form in (key, base64.b64encode(key).rstrip(b"="), key.hex().encode()):
        canaries.add(f"secret key, {len(form)} bytes", form)
    if "FLOTILLA_DATABASE_URL" in server.environment:
        canaries.add("database password", "canary-database-password")
    canaries.add("private key", "PRIVATE KEY-----")

    seen_nowhere(server, canaries, exercise(server, canaries, tmp_path))
    assert "request failed" in server.log.read_text(), "the planted bug left no trace"


@pytest.mark.xdist_group("lxd")
def test_no_secret_of_a_host_is_seen(server, tmp_path):
    """The trust password is not kept, our key for the host is, sealed, and so is what an instance is to run."""
    canaries = Canaries()
    _, send, answers = sender(server)
    call = in_panel(send)
    login = {"user_login": servers.EMAIL, "user_password": servers.PASSWORD}
    token = call("user.login", login, "session").json()["data"]["attributes"]["token"]
    with lxd() as daemon:
        furnish(daemon)
        canaries.add("trust password", daemon.password)
        wrong = canaries.add("wrong trust password", "canary-trust-password")
        canaries.add("private key", "PRIVATE KEY-----")
        canaries.add("session", token)
        for method in ("server.verify", "server.add"):
            assert call(method, host(daemon, server_password=wrong), token=token).status_code == 502
            assert call(method, host(daemon, server_password=[wrong]), token=token).status_code == 400
            assert call(method, host(daemon, server_protocol=wrong), token=token).status_code in (400, 422)
        (tmp_path / "orders").write_text("handler error\n")
        assert call("server.add", host(daemon), token=token).status_code == 500
        (tmp_path / "orders").unlink()
        assert call("server.verify", host(daemon), token=token).status_code == 200
        number = int(call("server.add", host(daemon), token=token).json()["data"]["id"])
        for method in ("server.get", "server.list", "certificate.list", "instance.list"):
            assert call(method, on(number, instance_id=0), token=token).status_code == 200
        command = canaries.add("what an instance is to run", "echo canary-of-an-instance")
        wanted = {"instance_name": "web", "instance_image": "tiny", "instance_command": command, "instance_id": 0}
        assert call("instance.add", on(number, **wanted), token=token).status_code == 200
        # While it waits, while LXD works, and when it is done.
        for _ in range(200):
            assert not canaries.found_in(database(server))
            if "web" in {one["name"] for one in daemon.query("/1.0/instances?recursion=1")}:
                break
        seen_nowhere(server, canaries, answers)


def seen_nowhere(server, canaries, answers):
    """Not in answers, settings, command lines, the database, the log or other files."""
    for answer, own in answers:
        whole = repr(answer.headers).encode() + answer.content
        assert not canaries.found_in(whole, *own), f"{answer.request.method} {answer.request.url.path}"
    shown = server.command("settings")
    assert shown.returncode == 0
    assert not canaries.found_in(shown.stdout.encode())
    assert not canaries.found_in(processes())
    assert not canaries.found_in(database(server))

    server.stop()
    for file in server.data.rglob("*"):
        if file.is_file() and file.name not in OWN_FILES:
            kept = ["content of an upload"] if "objects" in file.parts else []
            assert not canaries.found_in(file.read_bytes(), *kept), file.relative_to(server.data)
    for name in OWN_FILES:
        assert (server.data / name).stat().st_mode & 0o777 == 0o600


def test_a_password_may_come_from_standard_input(tmp_path):
    environment = os.environ | {"FLOTILLA_DATA_DIR": str(tmp_path / "data")}
    command = [*servers.COMMAND, "admin", "create", "--email", "ada@example.com", "--password", "-"]
    empty = subprocess.run(command, input="", env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert empty.returncode == 1
    assert empty.stderr.strip() == "flotilla: no password on standard input"


def test_a_killed_server_leaves_no_secret_in_the_spool(tmp_path):
    """What was being uploaded is readable for the owner alone."""
    started = servers.start(tmp_path / "data", FAILPOINTS=str(tmp_path / "orders"))
    token = started.login()
    (tmp_path / "orders").write_text("spool.synced kill\n")
    with pytest.raises(httpx.TransportError):
        httpx.post(
            started.url + ARTIFACTS,
            headers={"Authorization": f"Bearer {token}"},
            files={"artifact": ("a", build(name="a"))},
            timeout=60,
        )
    assert started.process.wait(60) == -signal.SIGKILL
    left = list((started.data / "spool").iterdir())
    assert [file.stat().st_mode & 0o777 for file in left] == [0o600]
