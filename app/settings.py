"""Settings: each is an environment variable FLOTILLA_<NAME> and a key of flotilla.toml in the working directory."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


def _comma_list(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaList = Annotated[list[str], NoDecode, BeforeValidator(_comma_list)]


class Settings(BaseSettings):
    """What an operator may choose; `flotilla settings` prints the effective values and where each comes from."""

    model_config = SettingsConfigDict(
        env_prefix="FLOTILLA_", toml_file="flotilla.toml", extra="forbid", validate_default=True
    )

    host: str = Field("127.0.0.1", description="Address of the public listener.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the public listener.")
    internal_host: str = Field("127.0.0.1", description="Address of the internal listener.")
    internal_port: int = Field(8081, ge=0, le=65535, description="Port of the internal listener.")
    data_dir: Path = Field(Path("data"), description="Where the database, files and keys are kept.")
    database_url: str = Field("", description="sqlite:///FILE or postgresql://...; default: flotilla.db in DATA_DIR.")
    systems: Annotated[list[str] | None, NoDecode, BeforeValidator(_comma_list)] = Field(
        None, description="Systems to offer, comma separated; default: all."
    )
    public_url: str | None = Field(None, description="What clients call this server; default: the Host header.")
    trusted_proxies: CommaList = Field([], description="Networks whose X-Forwarded-* headers count.")
    cors_origins: CommaList = Field([], description="Origins that browsers may call from.")
    spool_dir: Path | None = Field(None, description="Where uploads are received; default: DATA_DIR/spool.")
    secret_key_file: Path | None = Field(None, description="The key that seals secrets; default: DATA_DIR/secret.key.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["text", "json"] = Field("text", description="Form of log lines.")
    tls_cert: Path | None = Field(None, description="Certificate chain (PEM) of the public listener.")
    tls_key: Path | None = Field(None, description="Private key (PEM) of the public listener.")
    workers: int = Field(1, ge=1, le=64, description="Server processes; more than one needs PostgreSQL.")
    check_answers: bool = Field(False, description="Hold every answer against its spec (tests; slow).")

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        self.data_dir = self.data_dir.resolve()
        self.database_url = self.database_url or f"sqlite:///{self.data_dir / 'flotilla.db'}"
        self.spool_dir = self.spool.resolve()
        self.secret_key_file = self.key_file.resolve()
        if urlsplit(self.database_url).scheme not in ("sqlite", "postgresql", "postgres"):
            raise ValueError("DATABASE_URL must start with sqlite:/// or postgresql://")
        if self.workers > 1 and self.database_url.startswith("sqlite"):
            raise ValueError("WORKERS above 1 needs PostgreSQL: SQLite has one writer")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("TLS_CERT and TLS_KEY go together")
        return self

    @property
    def spool(self) -> Path:
        """Where uploads are received."""
        return self.spool_dir or self.data_dir / "spool"

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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def effective(options: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(name, value with secrets masked, source) of every setting, for `flotilla settings`."""
    settings = Settings(**options)
    from_toml = TomlConfigSettingsSource(Settings)()
    rows = []
    for name in Settings.model_fields:
        source = "default"
        if name in from_toml:
            source = "flotilla.toml"
        if f"FLOTILLA_{name.upper()}" in _environment():
            source = "environment"
        if name in options:
            source = "option"
        value = getattr(settings, name)
        text = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
        rows.append((name.upper(), mask(text) if name.endswith("_url") else text, source))
    return rows


def _environment() -> set[str]:

    return {key.upper() for key in os.environ}


def mask(url: str) -> str:
    """A URL without its password."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")))
