"""Whether sites are well: which of their nodes have told of themselves lately (ngenea 3.8)."""

from collections import defaultdict
from datetime import timedelta
from typing import Any, Final

from app.core import clock
from app.core.calls import Caller
from app.ngenea import rights
from models.ngenea.sites import Node, Site

Document = dict[str, Any]
INTERVAL: Final = timedelta(seconds=120)
OK, WARNING, CRITICAL = "ok", "warning", "critical"


def online(heartbeat: Any) -> bool:
    """Whether who told of itself at this time counts as online."""
    return heartbeat is not None and clock.now() - heartbeat < INTERVAL


def has_node(site: int) -> bool:
    """Whether a node of a site is online."""
    return bool(Node.select().where(Node.site == site, Node.last_heartbeat_ts > clock.now() - INTERVAL).exists())


def of_sites(sites: list[Any]) -> list[Document]:
    """Name, health and nodes of each site."""
    nodes: dict[int, list[Document]] = defaultdict(list)
    rows: Any = Node.select().where(Node.site.in_([site.pk for site in sites])).order_by(Node.pk)
    for node in rows:
        alive = online(node.last_heartbeat_ts)
        nodes[node.site_id].append({"name": node.name, "health": OK if alive else CRITICAL, "online": alive})
    return [
        {"site": site.name, "health": _rolled_up([node["health"] for node in nodes[site.pk]]), "nodes": nodes[site.pk]}
        for site in sites
    ]


def _rolled_up(parts: list[str]) -> str:
    """`ok` when each part is, `critical` when each is critical or there is none, else `warning`."""
    if not parts or set(parts) == {CRITICAL}:
        return CRITICAL
    return OK if set(parts) == {OK} else WARNING


def overall(caller: Caller) -> Document:
    """The health of the sites that a caller may know of; without any all is well."""
    sites = of_sites(list(Site.select().where(rights.visible(caller, Site)).order_by(Site.pk)))
    health = _rolled_up([site["health"] for site in sites]) if sites else OK
    return {"overall_health": health, "hub_status": OK, "site_status": sites}
