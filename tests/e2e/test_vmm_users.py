"""Users of ui-vmm against a server of its own: mails by a real worker, restarts between the steps, the guide."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support import server as servers
from tests.support.mailbox import mailbox
from tests.support.vmm import PASSWORD, Panel, code_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "vmm.md"
CUT = "-- images --"
EMPTY = dict.fromkeys(("user_login", "user_email", "user_password", "user_passwordRepeat", "user_code"), "")
GRACE = {
    "user_login": "grace",
    "user_email": "grace@example.com",
    "user_password": PASSWORD,
    "user_passwordRepeat": PASSWORD,
}


def test_an_account_through_its_whole_life(empty_database, tmp_path):
    with mailbox() as box:
        settings = {"SMTP_URL": f"smtp://127.0.0.1:{box.port}", "VMM_REGISTRATION": "true", "CHECK_ANSWERS": "true"}
        server = servers.start(tmp_path / "data", empty_database.url, **settings)
        try:
            nobody = Panel(httpx.Client(base_url=server.url, timeout=60))
            # What is acknowledged is done, also when the server is killed at once, with no mail sent yet.
            box.refusing = 1
            nobody.done("user.register", EMPTY | GRACE)
            server.process.kill()
            server.process.wait()
            server.start_again()
            eventually(lambda: box.mails)
            nobody.done("user.register", EMPTY | {"user_code": code_in(box)})
            grace = nobody.log_in("grace")
            program = Panel(nobody.http, grace.done("token.create", {"token_lifetime": 3600})["attributes"]["token"])
            assert server.stop() == 0
            server.start_again()
            assert program.done("user.get")["attributes"]["login"] == "grace"

            grace.done("user.emailChange", {"user_email": "new@example.com"})
            eventually(lambda: len(box.mails) == 2)
            grace.done("user.emailChange", {"user_email": "new@example.com", "user_code": code_in(box)})
            ask = {name: "" for name in EMPTY if name != "user_login"}
            nobody.done("user.recovery", ask | {"user_email": "new@example.com"})
            eventually(lambda: len(box.mails) == 3)
            change = {"user_code": code_in(box), "user_password": "new horse", "user_passwordRepeat": "new horse"}
            nobody.done("user.recovery", ask | change)
            assert program.detail(401, "user.get") == "token has been revoked"
            assert nobody.log_in("grace", "new horse").done("user.get")["attributes"]["email"] == "new@example.com"
        finally:
            assert server.stop() == 0


def test_the_guide_works_as_it_stands(tmp_path):
    server = servers.start(tmp_path / "data", LOG_LEVEL="warning", admin=False)
    try:
        first, _, _, images = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
        script = f"{first}\necho '{CUT}'\n{images}"
        script = script.replace("http://127.0.0.1:8080", server.url).replace("data/admin-password", "admin-password")
        done = subprocess.run(["bash", "-euc", script], cwd=server.data, capture_output=True, text=True, timeout=120)
    finally:
        assert server.stop() == 0
    assert done.returncode == 0, done.stdout + done.stderr
    accounts, images = done.stdout.split(f"{CUT}\n")
    assert '"login":"admin"' in accounts
    assert accounts.count('"key_type":"ssh"') == 2
    assert accounts.rstrip().endswith("}")
    assert "token has been revoked" in accounts.splitlines()[-1]
    listed = json.loads(images.splitlines()[-1])["products"]["tiny:1.0:amd64:default"]["versions"]
    assert [set(version["items"]) for version in listed.values()] == [{"lxd.tar.xz", "root.tar.xz"}]
