"""Settings: each is an environment variable FLOTILLA_<NAME> and a key of flotilla.toml in the working directory."""

import os
import re
import tomllib
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BeforeValidator, DirectoryPath, Field, FilePath, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.core import storage_url
from app.http.origin import parse_origin

PREFIX: Final = "FLOTILLA_"
FILE: Final = "flotilla.toml"
HIDDEN: Final = "***"
PASSWORD: Final = re.compile(r"(://[^:/@]*):.*@")
ADDRESS: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+")
SITE: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PASSWORD_KEY: Final = re.compile(r"([?&][^=&]*password[^=&]*=)[^&]*", re.IGNORECASE)


def _comma_list(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _networks(values: list[str]) -> list[str]:
    for value in values:
        ip_network(value, strict=False)
    return values


def _origins(values: list[str]) -> list[str]:
    for value in values:
        if parse_origin(value) is None:
            raise ValueError(f"{value} is no origin: write https://host or https://host:port; there is no wildcard")
    return values


def _public_url(value: str | None) -> str | None:
    if not value:
        return None
    scheme, _, rest = value.rstrip("/").partition("://")
    if (
        parse_origin(f"{scheme}://{rest.partition('/')[0]}") is None
        or not value.isprintable()
        or set(value) & set(" ?#")
    ):
        raise ValueError("write http://host or https://host, with a port or a path where needed")
    return value.rstrip("/")


def _database(value: str) -> str:
    parts = urlsplit(value)
    named = bool(parts.path.strip("/"))
    if parts.scheme == "sqlite" and named and not parts.netloc:
        return value
    if parts.scheme in ("postgresql", "postgres") and named and parts.port != 0:  # reading a wrong port raises
        return value
    if not value:
        return value
    raise ValueError("write sqlite:///PATH (absolute) or postgresql://USER@HOST:PORT/NAME")


def _storage(value: str) -> str:
    if value:
        storage_url.parse(value)
    return value


def _smtp(value: str | None) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0 or parts.path.strip("/"):
        raise ValueError("write smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT")
    return value


def _address(value: str) -> str:
    if value and not ADDRESS.fullmatch(value):
        raise ValueError("write an address, as flotilla@example.com")
    return value


def _prefix(value: str) -> str:
    value = value.rstrip("/")
    if value and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
        raise ValueError("write /NAME, of letters, digits and . _ ~ -")
    if value.split("/")[1:2] == ["ui"]:
        raise ValueError("/ui is where the pages are")
    return value


def _site(value: str) -> str:
    if value and not SITE.fullmatch(value):
        raise ValueError("write letters, digits, _ and -, 64 at most")
    return value


def _text(value: Any) -> Any:
    return str(value) if type(value) is int else value  # flotilla.toml may have a password of digits without quotes


Secret = Annotated[SecretStr, BeforeValidator(_text)]
CommaList = Annotated[list[str], NoDecode, BeforeValidator(_comma_list)]


class Settings(BaseSettings):
    """What an operator may choose; `flotilla settings` prints the effective values and where each comes from."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        hide_input_in_errors=True,  # it may be a secret
        validate_default=True,
    )

    host: str = Field("127.0.0.1", description="Address of the public listener.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the public listener.")
    internal_host: str = Field("127.0.0.1", description="Address of the internal listener.")
    internal_port: int = Field(8081, ge=0, le=65535, description="Port of the internal listener.")
    data_dir: Path = Field(Path("data"), description="Where the database, files and keys are kept.")
    database_url: Annotated[str, AfterValidator(_database)] = Field(
        "", description="sqlite:///FILE or postgresql://...; default: flotilla.db in DATA_DIR."
    )
    systems: Annotated[list[str] | None, NoDecode, BeforeValidator(_comma_list)] = Field(
        None, description="Systems to offer, comma separated; default: all."
    )
    public_url: Annotated[str | None, AfterValidator(_public_url)] = Field(
        None, description="What clients call this server; default: the Host header."
    )
    trusted_proxies: Annotated[CommaList, AfterValidator(_networks)] = Field(
        [], description="Networks whose X-Forwarded-* headers count, comma separated."
    )
    cors_origins: Annotated[CommaList, AfterValidator(_origins)] = Field(
        [], description="Origins whose pages may call this server from a browser, comma separated."
    )
    storage_url: Annotated[str, AfterValidator(_storage)] = Field(
        "",
        description="Where files are kept: file:/FOLDER, s3://BUCKET/PREFIX or az://CONTAINER/PREFIX;"
        " default: DATA_DIR/objects.",
    )
    storage_signed_downloads: bool = Field(
        False, description="Let devices download from the bucket itself, by links it signs, instead of from here."
    )
    smtp_url: Annotated[str | None, AfterValidator(_smtp)] = Field(
        None, description="Mail goes to smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT; default: none is sent."
    )
    mail_from: Annotated[str, AfterValidator(_address)] = Field(
        "", description="Sender of mail; default: flotilla@ the host of PUBLIC_URL."
    )
    ca_file: FilePath | None = Field(None, description="Further certificate authorities (PEM) for outgoing https.")
    spool_dir: Path | None = Field(None, description="Where uploads are received; default: DATA_DIR/spool.")
    secret_key_file: Path | None = Field(None, description="The key that seals secrets; default: DATA_DIR/secret.key.")
    login_limit: int = Field(
        20, ge=0, description="Failed logins a minute for each account and address, then 429; 0: any number."
    )
    mender_audit_days: int = Field(
        365, ge=0, le=36500, description="Days that entries of Mender's audit log are kept; 0: for ever."
    )
    nebula_prefix: Annotated[str, AfterValidator(_prefix)] = Field(
        "", description="What stands before /api/v2 in the paths of the Nebula manager, as /nebula."
    )
    nebula_auth_enabled: bool = Field(
        True, description="false: whoever reaches the Nebula manager may do everything with it."
    )
    nebula_basic_auth_user: str = Field("", description="Name of Nebula's local administrator.")
    nebula_basic_auth_password: Secret = Field(SecretStr(""), description="Password of Nebula's local administrator.")
    nebula_auth_token: Secret = Field(SecretStr(""), description="Token of Nebula's local administrator.")
    nebula_cache_time: int = Field(
        10, ge=0, description="Seconds that what workers are told stays in memory unasked; 0: it is made each time."
    )
    nebula_report_ttl: int = Field(
        3600, ge=0, description="Seconds that reports of Nebula's workers are kept; 0: for ever."
    )
    vmm_registration: bool = Field(False, description="Let strangers register as users of ui-vmm; needs SMTP_URL.")
    vmm_allowed_hosts: CommaList = Field(
        [],
        description="LXD hosts that may be added: names, addresses or networks, comma separated, or *; default: all"
        " that have a public address.",
    )
    vmm_image_servers: CommaList = Field(
        ["https://images.lxd.canonical.com"],
        description="Simplestreams servers that are offered to users of ui-vmm, comma separated; asked only when"
        " somebody asks for their images.",
    )
    ngenea_access_token_seconds: int = Field(
        300, ge=1, le=86400, description="How long an access token of Ngenea Hub is good."
    )
    ngenea_refresh_token_seconds: int = Field(
        86400, ge=1, le=31536000, description="How long a refresh token of Ngenea Hub is good."
    )
    ngenea_site: Annotated[str, AfterValidator(_site)] = Field(
        "", description="Site of Ngenea Hub whose files this server works on itself; it is made if it is not there."
    )
    ngenea_root: DirectoryPath | None = Field(None, description="Folder that holds the files of NGENEA_SITE.")
    vmm_stream_auth_seconds: int = Field(
        10, ge=0, description="Seconds that a stream of ui-vmm's events may be open before somebody says whose it is."
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="Least level that is logged: debug, info, warning or error."
    )
    log_format: Annotated[Literal["text", "json"], BeforeValidator(_lower)] = Field(
        "text", description="Form of log lines: text or json."
    )
    tls_cert: Path | None = Field(None, description="Certificate chain (PEM) of the public listener.")
    tls_key: Path | None = Field(None, description="Private key (PEM) of the public listener.")
    workers: int = Field(1, ge=1, le=64, description="Server processes; more than one needs PostgreSQL.")
    worker_threads: int = Field(
        3,
        ge=0,
        le=64,
        description="Threads of each server process that do work in the background; 0: `flotilla worker` does it.",
    )
    check_answers: bool = Field(False, description="Hold every answer against its spec (tests; slow).")
    failpoints: Path | None = Field(
        None, description="File with orders to fail at named steps (tests; never in production)."
    )

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        self.data_dir = self.data_dir.resolve()
        self.database_url = self.database_url or f"sqlite://{quote(str(self.data_dir / 'flotilla.db'))}"
        self.storage_url = self.storage_url or f"file:{quote(str(self.data_dir / 'objects'))}"
        self.spool_dir = self.spool.resolve()
        self.secret_key_file = self.key_file.resolve()
        if self.workers > 1 and self.database_url.startswith("sqlite"):
            raise ValueError("WORKERS above 1 needs PostgreSQL: SQLite has one writer")
        if self.storage_signed_downloads and self.storage_url.startswith("file:"):
            raise ValueError("STORAGE_SIGNED_DOWNLOADS needs a STORAGE_URL of s3: or az:")
        if bool(self.ngenea_site) != (self.ngenea_root is not None):
            raise ValueError("NGENEA_SITE and NGENEA_ROOT go together")
        if self.ngenea_site and self.workers > 1:
            raise ValueError("NGENEA_SITE goes with WORKERS 1: start `flotilla ngenea-worker` beside the server")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("TLS_CERT and TLS_KEY go together")
        return self

    @property
    def base_url(self) -> str:
        """What links in mail begin with: PUBLIC_URL, else the public listener."""
        scheme = "http" if self.tls_cert is None else "https"
        return self.public_url or f"{scheme}://{self.host}:{self.port}"

    @property
    def sender(self) -> str:
        """The sender of mail."""
        return self.mail_from or f"flotilla@{urlsplit(self.base_url).hostname}"

    @property
    def spool(self) -> Path:
        """Where uploads are received."""
        return self.spool_dir or self.data_dir / "spool"

    @property
    def postgres_url(self) -> str | None:
        """The database where it is PostgreSQL."""
        return None if self.database_url.startswith("sqlite") else self.database_url

    @property
    def key_file(self) -> Path:
        """The key that seals secrets."""
        return self.secret_key_file or self.data_dir / "secret.key"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options of the command line beat the environment, the environment beats flotilla.toml."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, read_toml())


def read_toml() -> dict[str, Any]:
    """What flotilla.toml in the working directory says, keys in lower case. Raises ValueError, naming the file."""
    file = Path(FILE)
    if not file.exists():
        return {}
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ValueError(f"{FILE}: {exc}") from exc
    for key in given:
        if key.lower() not in Settings.model_fields:
            near = get_close_matches(key.lower(), Settings.model_fields, 1)
            raise ValueError(f"{FILE}: unknown setting {key}" + (f"; did you mean {near[0]}?" if near else ""))
    return {key.lower(): value for key, value in given.items()}


def effective(options: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(NAME, value with secrets masked, source) of every setting; source: option, environment, flotilla.toml, default.

    Raises ValueError as `Settings` does.
    """
    settings = Settings(**options)
    environment = {name.upper() for name, value in os.environ.items() if value}
    toml = read_toml()
    rows = []
    for name in Settings.model_fields:
        source = "default"
        if name in toml:
            source = FILE
        if PREFIX + name.upper() in environment:
            source = "environment"
        if name in options:
            source = "option"
        value = getattr(settings, name)
        text = _shown(value)
        rows.append((name.upper(), mask(text) if name.endswith("_url") else text, source))
    return rows


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else ""
    return ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)


def mask(url: str) -> str:
    """A URL without its password, wherever it stands."""
    return PASSWORD_KEY.sub(rf"\1{HIDDEN}", PASSWORD.sub(rf"\1:{HIDDEN}@", url))
