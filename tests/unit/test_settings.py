"""Settings: sources and their order, text that stays text, faults in one clear line, secrets masked (design 6)."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core import engines
from app.settings import Settings, effective, mask


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """An empty working directory and no setting in the environment."""
    for name in list(os.environ):
        if name.startswith("FLOTILLA_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def toml(text: str) -> None:
    Path("flotilla.toml").write_text(text, encoding="utf-8")


def fault(**options: object) -> str:
    with pytest.raises(ValueError) as caught:
        Settings(**options)
    return str(caught.value)


def test_the_defaults(tmp_path):
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert (settings.internal_host, settings.internal_port) == ("127.0.0.1", 8081)
    assert settings.data_dir == tmp_path / "data"
    assert settings.spool == tmp_path / "data" / "spool"
    assert settings.key_file == tmp_path / "data" / "secret.key"
    assert settings.systems is None
    assert (settings.trusted_proxies, settings.cors_origins, settings.public_url) == ([], [], None)
    assert not (tmp_path / "data").exists()  # reading settings makes nothing


def test_an_option_beats_the_environment_and_that_the_file(monkeypatch):
    toml("port = 1\ninternal_port = 2\nworkers = 1\n")
    assert (Settings().port, Settings().internal_port) == (1, 2)
    monkeypatch.setenv("FLOTILLA_PORT", "3")
    assert (Settings().port, Settings().internal_port) == (3, 2)
    assert (Settings(port=4).port, Settings(port=4).internal_port) == (4, 2)


def test_the_file_is_that_of_the_working_directory(tmp_path, monkeypatch):
    toml("port = 1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert Settings().port == 8080


@pytest.mark.parametrize("key", ["log_level", "LOG_LEVEL", "Log_Level"])
def test_keys_of_the_file_in_either_case(key):
    toml(f'{key} = "ERROR"')
    assert Settings().log_level == "error"


@pytest.mark.parametrize("text", ["12345", "007", "1e5", "true", "null", "None", "[]", "{}", '"x"', " x ", "a=b"])
def test_text_stays_text(monkeypatch, text):
    monkeypatch.setenv("FLOTILLA_HOST", text)
    assert Settings().host == text


def test_a_number_is_no_text_in_the_file():
    toml("host = 12345")
    assert "host" in fault()
    toml('host = "12345"')
    assert Settings().host == "12345"


def test_an_empty_variable_is_as_good_as_none(monkeypatch):
    toml('log_level = "error"')
    for name in ("PORT", "LOG_LEVEL", "TLS_CERT", "PUBLIC_URL", "SYSTEMS", "DATABASE_URL"):
        monkeypatch.setenv(f"FLOTILLA_{name}", "")
    settings = Settings()
    assert (settings.port, settings.log_level, settings.tls_cert) == (8080, "error", None)
    assert ("LOG_LEVEL", "error", "flotilla.toml") in effective({})


@pytest.mark.parametrize(
    ("text", "items"), [("a", ["a"]), ("a,b", ["a", "b"]), (" a , b ,", ["a", "b"]), (",", []), ("12", ["12"])]
)
def test_lists_are_separated_by_commas(monkeypatch, text, items):
    monkeypatch.setenv("FLOTILLA_SYSTEMS", text)
    assert Settings().systems == items


def test_lists_in_the_file_in_both_forms():
    toml('trusted_proxies = ["10.0.0.0/8", "::1"]\ncors_origins = "https://a, https://b:1"')
    settings = Settings()
    assert settings.trusted_proxies == ["10.0.0.0/8", "::1"]
    assert settings.cors_origins == ["https://a", "https://b:1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prot = 1", "flotilla.toml: unknown setting prot; did you mean port?"),
        ("zzz = 1", "flotilla.toml: unknown setting zzz"),
        ("[server]\nport = 1", "flotilla.toml: unknown setting server"),
        ("port", "flotilla.toml: "),
        ("port = 1\nport = 2", "flotilla.toml: "),
    ],
)
def test_a_file_that_cannot_be_understood(text, says):
    toml(text)
    assert fault().startswith(says)
    with pytest.raises(ValueError, match="flotilla.toml"):
        effective({})


def test_a_file_that_is_no_text():
    Path("flotilla.toml").write_bytes(b"\xff\xfe")
    assert fault().startswith("flotilla.toml: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", -1),
        ("port", 65536),
        ("port", "http"),
        ("workers", 0),
        ("log_level", "loud"),
        ("log_format", "xml"),
        ("trusted_proxies", "10.0.0.0/99"),
        ("trusted_proxies", "proxy.example"),
        ("cors_origins", "*"),
        ("cors_origins", "https://a/"),
        ("cors_origins", "a.example"),
        ("cors_origins", "null"),
        ("public_url", "fleet.example"),
        ("public_url", "ftp://fleet.example"),
        ("public_url", "https://"),
        ("public_url", "https://fleet.example?x=1"),
        ("public_url", "https://fleet example"),
        ("public_url", "https://user:secret@fleet.example"),
        ("database_url", "mysql://u:secret@h/n"),
        ("database_url", "sqlite:"),
        ("database_url", "sqlite://data/flotilla.db"),
        ("database_url", "postgresql://u:secret@h:port/n"),
        ("database_url", "postgresql://u:secret@h"),
        ("database_url", "flotilla.db"),
        ("nonsense", 1),
    ],
)
def test_a_value_that_cannot_be_used_is_named_but_not_quoted(name, value):
    with pytest.raises(ValidationError) as caught:
        Settings(**{name: value})
    (error,) = caught.value.errors()
    assert error["loc"] == (name,)
    assert "secret" not in str(caught.value)


def test_what_goes_together():
    assert "TLS_KEY" in fault(tls_cert="a.pem")
    assert "TLS_KEY" in fault(tls_key="a.pem")
    assert Settings(tls_cert="a.pem", tls_key="b.pem").tls_key == Path("b.pem")
    assert "PostgreSQL" in fault(workers=2)
    assert Settings(workers=2, database_url="postgresql:///flotilla").workers == 2


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://fleet.example", "https://fleet.example"),
        ("https://fleet.example/", "https://fleet.example"),
        ("http://[::1]:8080/flotilla/", "http://[::1]:8080/flotilla"),
    ],
)
def test_the_public_url_has_no_slash_behind_it(given, url):
    assert Settings(public_url=given).public_url == url


@pytest.mark.parametrize("name", ["plain", "with space", "per%cent", "que?ry", "ha#sh", "ünï", "%41"])
def test_the_default_database_is_in_the_data_directory_whatever_its_name(tmp_path, name):
    settings = Settings(data_dir=tmp_path / name)
    database = engines.connect(settings.database_url, lambda sql: None)
    assert database.database == str(tmp_path / name / "flotilla.db")


class TestEffective:
    def test_each_value_with_its_source(self, monkeypatch, tmp_path):
        toml('port = 1\nlog_level = "error"')
        monkeypatch.setenv("FLOTILLA_PORT", "2")
        monkeypatch.setenv("FLOTILLA_CORS_ORIGINS", "https://a,https://b")
        rows = {name: (value, source) for name, value, source in effective({"data_dir": tmp_path})}
        assert set(rows) == {name.upper() for name in Settings.model_fields}
        assert rows["PORT"] == ("2", "environment")
        assert rows["LOG_LEVEL"] == ("error", "flotilla.toml")
        assert rows["DATA_DIR"] == (str(tmp_path), "option")
        assert rows["HOST"] == ("127.0.0.1", "default")
        assert rows["CORS_ORIGINS"] == ("https://a, https://b", "environment")
        assert rows["PUBLIC_URL"] == ("", "default")

    def test_the_password_of_the_database_is_masked(self):
        rows = {name: value for name, value, _ in effective({"database_url": "postgresql://u:hunter2@h/n"})}
        assert rows["DATABASE_URL"] == "postgresql://u:***@h/n"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////a/b%20c.db", "sqlite:////a/b%20c.db"),
        ("postgresql://u@h:5/n?sslmode=require", "postgresql://u@h:5/n?sslmode=require"),
        ("postgresql://u:p@h:5/n?sslmode=require", "postgresql://u:***@h:5/n?sslmode=require"),
        ("postgresql://u:p%40:x@h/n", "postgresql://u:***@h/n"),
        ("postgresql://u:p/w@ord@h/n", "postgresql://u:***@h/n"),
        ("postgresql://:p@h/n", "postgresql://:***@h/n"),
        ("postgresql:///n?password=p&user=u", "postgresql:///n?password=***&user=u"),
        ("postgresql:///n?user=u&sslPassword=p", "postgresql:///n?user=u&sslPassword=***"),
        ("", ""),
    ],
)
def test_mask(url, shown):
    assert mask(url) == shown
