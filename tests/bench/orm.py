"""The idiomatic peer: FastAPI with dependencies, pydantic models in and out, SQLAlchemy ORM sessions on the same tables."""

import base64
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

from app.core import tokens
from app.mender import attributes as own
from tests.bench.contenders import AUTH, LIST, NEXT, PATCH


class Base(DeclarativeBase):
    pass


class Device(Base):
    __tablename__ = "mender_device"
    pk: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    id: Mapped[str]
    identity_hash: Mapped[str]
    decommissioning: Mapped[bool]


class AuthSet(Base):
    __tablename__ = "mender_auth_set"
    pk: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    id: Mapped[str]
    device_id: Mapped[int] = mapped_column(ForeignKey("mender_device.pk"))
    pubkey_hash: Mapped[str]
    status: Mapped[str]
    device: Mapped[Device] = relationship()


class DeviceToken(Base):
    __tablename__ = "mender_device_token"
    pk: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    jti: Mapped[str]
    auth_set_id: Mapped[int] = mapped_column(ForeignKey("mender_auth_set.pk"))
    issued_ts: Mapped[int]
    expires_ts: Mapped[int]
    auth_set: Mapped[AuthSet] = relationship()


class User(Base):
    __tablename__ = "mender_user"
    pk: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]


class UserToken(Base):
    __tablename__ = "mender_user_token"
    pk: Mapped[int] = mapped_column(primary_key=True)
    jti: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("mender_user.pk"))
    expires_ts: Mapped[int]
    user: Mapped[User] = relationship()


class Inventory(Base):
    __tablename__ = "mender_inventory"
    pk: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    device_id: Mapped[str]
    document: Mapped[str]
    updated_ts: Mapped[int]
    rows: Mapped[list["Attribute"]] = relationship()


class AttributeKey(Base):
    __tablename__ = "mender_attribute_key"
    pk: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str]
    name: Mapped[str]


class Attribute(Base):
    __tablename__ = "mender_attribute"
    device_id: Mapped[int] = mapped_column(ForeignKey("mender_inventory.pk"), primary_key=True)
    key_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    number: Mapped[float | None]
    long_text: Mapped[str | None]


class Part(Base):
    __tablename__ = "mender_device_deployment"
    pk: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    device_id: Mapped[str]
    open: Mapped[bool]
    deployment_created: Mapped[int]


Value = str | int | float | list[str] | list[int | float]


class AttributeIn(BaseModel):
    name: str = Field(min_length=1, max_length=1024)
    value: Value
    description: str | None = None


class AttributeOut(BaseModel):
    name: str
    scope: str
    value: Value
    description: str | None = None


class DeviceOut(BaseModel):
    id: str
    updated_ts: str
    attributes: list[AttributeOut]


class AuthRequest(BaseModel):
    id_data: str = Field(min_length=1)
    pubkey: str = Field(min_length=1)
    tenant_token: str | None = None


def _now() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000_000)


def create(database_url: str) -> FastAPI:
    engine = create_engine(
        database_url.replace("sqlite:///", "sqlite:////", 1) if "////" not in database_url else database_url,
        pool_size=40,
    )

    @event.listens_for(engine, "connect")
    def pragmas(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("PRAGMA synchronous=full")
        connection.execute("PRAGMA foreign_keys=1")
        connection.execute("PRAGMA cache_size=-32768")

    session_factory = sessionmaker(engine)
    app = FastAPI()
    keys = {kind: tokens._load("mender", kind) for kind in ("user", "device")}

    def session() -> Any:
        with session_factory() as opened:
            yield opened

    def claims(authorization: str, kind: str) -> dict[str, Any]:
        try:
            return jwt.decode(authorization.removeprefix("Bearer "), keys[kind].public, algorithms=["RS256"])
        except jwt.PyJWTError as exc:
            raise HTTPException(401) from exc

    def current_user(authorization: str = Header(), opened: Session = Depends(session)) -> User:
        found = claims(authorization, "user")
        token = opened.scalar(select(UserToken).where(UserToken.jti == found["jti"], UserToken.expires_ts > _now()))
        if token is None:
            raise HTTPException(401)
        return token.user

    def current_device(authorization: str = Header(), opened: Session = Depends(session)) -> Device:
        found = claims(authorization, "device")
        token = opened.scalar(
            select(DeviceToken).where(DeviceToken.jti == found["jti"], DeviceToken.expires_ts > _now())
        )
        if token is None or token.auth_set.status != "accepted" or token.auth_set.device.decommissioning:
            raise HTTPException(401)
        return token.auth_set.device

    @app.get(LIST, response_model=list[DeviceOut], response_model_exclude_none=True)
    def listed(
        response: Response,
        page: int = Query(1, ge=1),
        per_page: int = Query(20, ge=1, le=500),
        opened: Session = Depends(session),
        _: User = Depends(current_user),
    ) -> Any:
        query = select(Inventory).where(Inventory.tenant_id == "").order_by(Inventory.device_id)
        total = opened.scalar(select(func.count()).select_from(Inventory).where(Inventory.tenant_id == ""))
        response.headers["X-Total-Count"] = str(total)
        return [json.loads(row.document) for row in opened.scalars(query.offset((page - 1) * per_page).limit(per_page))]

    @app.patch(PATCH)
    def patch(
        reported: list[AttributeIn],
        opened: Session = Depends(session),
        device: Device = Depends(current_device),
    ) -> Response:
        row = opened.scalar(select(Inventory).where(Inventory.tenant_id == "", Inventory.device_id == device.id))
        document = json.loads(row.document)
        current = {(entry["scope"], entry["name"]): entry for entry in document["attributes"]}
        changed = [
            entry for entry in reported if current.get(("inventory", entry.name), {}).get("value") != entry.value
        ]
        if not changed:
            return Response()
        names = [entry.name for entry in changed]
        numbers = {
            key.name: key.pk
            for key in opened.scalars(
                select(AttributeKey).where(AttributeKey.scope == "inventory", AttributeKey.name.in_(names))
            )
        }
        stored = {(entry.key_id, entry.position): entry for entry in row.rows}
        for entry in changed:
            current["inventory", entry.name] = {"name": entry.name, "scope": "inventory", "value": entry.value}
            found = own.elements(entry.value)
            for position, (text, number, long_text) in enumerate(found):
                known = stored.get((numbers[entry.name], position))
                if known is None:
                    known = Attribute(device_id=row.pk, key_id=numbers[entry.name], position=position)
                    opened.add(known)
                known.text, known.number, known.long_text = text, number, long_text
            for (key, position), known in stored.items():
                if key == numbers[entry.name] and position >= len(found):
                    opened.delete(known)
        row.updated_ts = _now()
        moment = datetime.fromtimestamp(row.updated_ts / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        current["system", "updated_ts"] = {"name": "updated_ts", "scope": "system", "value": moment}
        document |= {"updated_ts": moment, "attributes": [current[key] for key in sorted(current)]}
        row.document = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        opened.commit()
        return Response()

    @app.post(NEXT)
    def following(
        provides: dict[str, str], opened: Session = Depends(session), device: Device = Depends(current_device)
    ) -> Response:
        newest = opened.scalar(
            select(func.max(Part.deployment_created)).where(
                Part.tenant_id == "", Part.device_id == device.id, Part.open.is_(False)
            )
        )
        query = select(Part).where(Part.tenant_id == "", Part.device_id == device.id, Part.open.is_(True))
        if newest is not None:
            query = query.where(Part.deployment_created > newest)
        part = opened.scalar(query.order_by(Part.deployment_created))
        if part is not None:
            raise HTTPException(500, "the benchmark deploys nothing")
        return Response(status_code=204)

    @app.post(AUTH)
    async def authenticate(request: Request, body: AuthRequest, x_men_signature: str = Header()) -> Response:
        from fastapi.concurrency import run_in_threadpool

        raw = await request.body()
        return await run_in_threadpool(issue, raw, body, x_men_signature)

    def issue(raw: bytes, body: AuthRequest, signature: str) -> Response:
        identity = json.dumps(json.loads(body.id_data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        key: Any = load_pem_public_key(body.pubkey.encode())
        try:
            key.verify(base64.b64decode(signature), raw, ec.ECDSA(SHA256()))
        except InvalidSignature as exc:
            raise HTTPException(401) from exc
        with session_factory() as opened:
            found = opened.scalar(
                select(AuthSet)
                .join(Device)
                .where(
                    Device.tenant_id == "",
                    Device.identity_hash == sha256(identity.encode()).hexdigest(),
                    AuthSet.pubkey_hash == sha256(body.pubkey.encode()).hexdigest(),
                    AuthSet.status == "accepted",
                )
            )
            if found is None:
                raise HTTPException(401)
            now = _now()
            claims = {"jti": found.id, "sub": found.device.id, "iss": "Mender", "mender.device": True}
            claims |= {"iat": now // 1_000_000, "exp": now // 1_000_000 + 604800}
            token = jwt.encode(claims, keys["device"].private, algorithm="RS256", headers={"kid": keys["device"].kid})
            row = opened.scalar(select(DeviceToken).where(DeviceToken.jti == found.id))
            if row is None:
                row = DeviceToken(tenant_id="", jti=found.id, auth_set_id=found.pk)
                opened.add(row)
            row.issued_ts, row.expires_ts = now, now + 604_800_000_000
            opened.commit()
        return Response(token, media_type="application/jwt")

    return app
