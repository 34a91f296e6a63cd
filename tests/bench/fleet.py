"""A fleet in the database, made by bulk inserts that leave the same rows as the rules would (see test_fleet)."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from app.core import clock, db, ids
from app.mender import attributes, device_document, inventory
from app.mender.identity import parse_identity

BATCH = 2_000
KINDS = ("raspberrypi3", "raspberrypi4", "beaglebone", "qemux86-64")


@dataclass(frozen=True)
class Member:
    """One device of the fleet."""

    id: str
    identity: dict[str, Any]
    attributes: list[dict[str, Any]]
    auth_set_id: str


def members(count: int, seed: int = 1) -> Iterator[Member]:
    """`count` devices with a dozen attributes each, the same for the same seed."""
    rng = random.Random(seed)
    for number in range(count):
        values: dict[str, Any] = {
            "device_type": rng.choice(KINDS),
            "artifact_name": f"release-{rng.randrange(20)}",
            "kernel": f"6.1.{rng.randrange(200)}",
            "mem_total_kB": rng.randrange(512, 8192) * 1024,
            "load": rng.randrange(400) / 100,
            "site": f"site-{rng.randrange(50)}",
            "network_interfaces": ["lo", "eth0", "wlan0"][: rng.randrange(1, 4)],
            "hostname": f"host-{number}",
            "uptime": rng.randrange(10_000_000),
            "serial": f"{rng.getrandbits(64):016x}",
        }
        listed = [{"name": name, "value": value} for name, value in values.items()]
        identity = {"mac": f"02:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}", "sn": str(number)}
        yield Member(_uuid(rng), identity, listed, _uuid(rng))


def _uuid(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def fill(fleet: Iterator[Member], pubkey: str) -> int:
    """Put accepted devices with their inventory into an empty database; how many. All present the same key."""
    now = clock.now()
    moment = clock.micros(now)
    count = 0
    batch: list[Member] = []
    for member in fleet:
        batch.append(member)
        if len(batch) == BATCH:
            count += _insert(batch, pubkey, now, moment, count)
            batch = []
    count += _insert(batch, pubkey, now, moment, count) if batch else 0
    with db.write():
        for kind, key in (("device", "accepted"), ("inventory", ""), ("inventory_status", "accepted")):
            db.execute(
                "INSERT INTO mender_counter (tenant_id, kind, key, shard, n) VALUES ('', ?, ?, 0, ?)", kind, key, count
            )
    return count


def _insert(batch: list[Member], pubkey: str, now: Any, moment: int, offset: int) -> int:
    documents = [_document(member) for member in batch]
    attributes.intern("", {key for document in documents for key in document if key not in attributes.COLUMNS})
    with db.write():
        devices, sets, stored, rows = [], [], [], []
        digest = sha256(pubkey.encode()).hexdigest()
        for number, (member, document) in enumerate(zip(batch, documents, strict=True), offset + 1):
            identity = parse_identity(orjson.dumps(member.identity).decode())
            devices.append(
                (number, "", member.id, identity.digest, identity.text, "accepted", False, 2, moment, moment)
            )
            sets.append((number, "", member.auth_set_id, number, pubkey, digest, "accepted", moment))
            for name in ("created_ts", "updated_ts"):
                device_document.stamp(document, name, now)
            text = device_document.dump(member.id, document, now)
            stored.append((number, "", member.id, text, "accepted", 2, moment, moment))
            for key, entry in document.items():
                if key not in attributes.COLUMNS:
                    found = enumerate(attributes.elements(entry["value"]))
                    rows += [(number, attributes.key_id("", *key), position, *element) for position, element in found]
        _bulk(
            "mender_device (pk, tenant_id, id, identity_hash, identity_data, status, decommissioning, revision,"
            " created_ts, updated_ts)",
            devices,
        )
        _bulk("mender_auth_set (pk, tenant_id, id, device_id, pubkey, pubkey_hash, status, ts)", sets)
        _bulk("mender_inventory (pk, tenant_id, device_id, document, status, revision, created_ts, updated_ts)", stored)
        _bulk("mender_attribute (device_id, key_id, position, text, number, long_text)", rows)
    return len(batch)


def _document(member: Member) -> inventory.Document:
    document = inventory.identity_attributes(member.identity)
    document["identity", "status"] = {"name": "status", "scope": "identity", "value": "accepted"}
    for entry in member.attributes:
        document["inventory", entry["name"]] = {"name": entry["name"], "scope": "inventory", "value": entry["value"]}
    return document


def _bulk(target: str, rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(rows[0]))
    cursor = db.db.connection().cursor()
    statement = f"INSERT INTO {target} VALUES ({marks})"
    cursor.executemany(statement.replace("?", "%s") if db.is_postgres() else statement, rows)


def tokens_for(chosen: list[Member], sign: Any) -> dict[str, str]:
    """device id -> token, with the token rows; `sign(system, kind, claims)`."""
    now = clock.now()
    made = {}
    with db.read():
        for member in chosen:
            claims = {"jti": member.auth_set_id, "sub": member.id, "iss": "Mender", "mender.device": True}
            claims |= {"iat": int(now.timestamp()), "exp": int(now.timestamp()) + 604800}
            made[member.id] = sign("mender", "device", claims)
    with db.write():
        for member in chosen:
            db.execute(
                "INSERT INTO mender_device_token (tenant_id, jti, auth_set_id, issued_ts, expires_ts)"
                " SELECT tenant_id, id, pk, ?, ? FROM mender_auth_set WHERE id = ?",
                clock.micros(now),
                clock.micros(now) + 604_800_000_000,
                member.auth_set_id,
            )
    assert ids.is_uuid(chosen[0].id)
    return made
