"""Settings of the Nebula manager: its administrator, no authentication at all, a prefix, the first administrator."""

import httpx
import pytest
from pydantic import ValidationError

from app import main, process
from app.core.calls import Request
from app.http import specs
from app.nebula import auth, users
from app.settings import Settings, effective
from tests.support.live import live
from tests.support.nebula import Manager


@pytest.fixture
def started(tmp_path, database):
    """Serve with these settings, on the database that is bound; gives the settings' function."""

    def start(**given):
        settings = Settings(data_dir=tmp_path / "data", check_answers=True, log_level="error", **given)
        settings.spool.mkdir(parents=True, exist_ok=True)
        process._open_nebula(settings)
        return live(main.create_app(settings, "public"))

    yield start
    process._open_nebula(Settings())


@pytest.mark.rule("nebula 6")
def test_without_authentication_everybody_may_do_everything(started):
    with started(nebula_auth_enabled=False) as url, httpx.Client(base_url=url) as http:
        for caller in (Manager(http), Manager(http, auth=("no", "body")), Manager(http, token="nonsense")):
            assert caller.get("/status").status_code == 200
            assert caller.get("/users").status_code == 200
        nobody = Manager(http)
        nobody.app("web")
        nobody.group("stores", "web")
        assert nobody.done("POST", "/prune") == {"prune_ids": {"stores": 2}}
        report = {"hostname": "a", "device_group": "stores", "report_creation_time": 1}
        assert nobody.post("/reports", report).status_code == 201
        assert len(nobody.done("GET", "/reports")["data"]) == 1
        assert http.get("/api/v2/status", headers={"Authorization": "anything"}).status_code == 200
        document = http.get("/openapi/nebula.json").json()
        assert all(operation["security"] == [] for _, _, operation in specs.operations(document))
    with started() as url, httpx.Client(base_url=url) as http:
        assert Manager(http).get("/status").status_code == 401


@pytest.mark.rule("nebula 11")
def test_a_prefix(started):
    with started(nebula_prefix="/fleet/nebula/", nebula_auth_token="t") as url, httpx.Client(base_url=url) as http:
        headers = {"Authorization": "Bearer t"}
        assert http.get("/fleet/nebula/api/v2/status", headers=headers).json() == {"api_available": True}
        assert http.get("/fleet/nebula/api/v2/nope").json() == {"not_found": True}
        assert http.get("/fleet/nebula/api/v2/apps").json() == {"unauthorized": True}
        assert http.get("/api/v2/status", headers=headers).status_code == 404
        assert "/fleet/nebula/api/v2/apps/{app_name}" in http.get("/openapi/nebula.json").json()["paths"]


@pytest.mark.parametrize("prefix", ["nebula", "/ui", "/ui/x", "/a b", "/a//b", "/{x}", "http://x"])
def test_prefixes_that_will_not_do(prefix):
    with pytest.raises(ValidationError):
        Settings(nebula_prefix=prefix)


@pytest.mark.rule("nebula 8")
def test_secrets_stay_text_and_are_not_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOTILLA_NEBULA_BASIC_AUTH_PASSWORD", "0012345")
    (tmp_path / "flotilla.toml").write_text('nebula_basic_auth_user = "nebula"\nnebula_auth_token = 777\n')
    settings = Settings()
    assert settings.nebula_basic_auth_password.get_secret_value() == "0012345"
    assert settings.nebula_auth_token.get_secret_value() == "777"
    shown = {name: (value, source) for name, value, source in effective({})}
    assert shown["NEBULA_BASIC_AUTH_PASSWORD"] == ("***", "environment")
    assert shown["NEBULA_AUTH_TOKEN"] == ("***", "flotilla.toml")
    assert shown["NEBULA_BASIC_AUTH_USER"] == ("nebula", "flotilla.toml")
    assert "12345" not in str(shown) + repr(settings)


def test_the_first_administrator(tmp_path, database):
    settings = Settings(data_dir=tmp_path)
    auth.configure(auth.Local())
    process._ensure_first_admins(settings)
    password = (tmp_path / "admin-password").read_text().strip()
    assert users.exist()
    assert _is_user("admin", password)
    process._ensure_first_admins(settings)
    assert (tmp_path / "admin-password").read_text().strip() == password


def test_none_is_made_beside_a_local_one(tmp_path, database):
    auth.configure(auth.Local(token="t"))
    process._ensure_first_admins(Settings(data_dir=tmp_path))
    assert not users.exist()
    auth.configure(auth.Local())


def test_an_administrator_of_every_system(tmp_path, database, monkeypatch):
    monkeypatch.setattr(process, "open_process", lambda _: None)
    monkeypatch.setattr(process.migrate, "up", list)
    settings = Settings(data_dir=tmp_path)

    def make(email: str, **given: str | None) -> str:
        options = {"username": None, "system": None, "tenant": "", **given}
        return process.create_admin(settings, email, "a good password", **options)

    assert len(make("ada@example.com")) == 36, "the id of the first system"
    assert make("eve@example.com", system="nebula", username="Eve") == "Eve"
    assert make("ada@other.example", system="nebula") == "ada"
    for name in ("ada", "Eve"):
        assert _is_user(name, "a good password")
    make("grace@example.com", system="mender")
    assert not _is_user("grace", "a good password")


def _is_user(name: str, password: str) -> bool:
    request = Request("GET", "/", (), {}, b"", "client", "http://x", "id", "public")
    return auth._is_user(("nebula login", name, "client"), password, request)
