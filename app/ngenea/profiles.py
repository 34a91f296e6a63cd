"""What users tell of themselves besides their names (ngenea 4)."""

from typing import Any, Final
from zoneinfo import available_timezones

from app.core import db
from app.ngenea.faults import Faults
from models.base import column
from models.ngenea.sites import Site
from models.ngenea.users import User

Document = dict[str, Any]
EMPTY: Final[Document] = {
    "country": "",
    "default_site": None,
    "department": "",
    "home_site": None,
    "line_manager": "",
    "phone": "",
    "timezone": "",
}
SITES: Final = ("default_site", "home_site")


def whole(profile: Document) -> Document:
    """A profile as it is shown."""
    return EMPTY | profile


def faults(profile: Document) -> Faults:
    """What is wrong with a profile. Opens its own unit."""
    found: Faults = []
    if profile.get("timezone") and profile["timezone"] not in available_timezones():
        found.append(("/profile/timezone", "There is no such time zone."))
    wanted = {name: profile[name] for name in SITES if profile.get(name) is not None}
    if wanted:
        with db.read():
            known = set(column(Site.select(Site.pk).where(Site.pk.in_(list(wanted.values())))))
        found += [(f"/profile/{name}", "There is no such site.") for name, pk in wanted.items() if pk not in known]
    return found


def forget_site(number: int) -> None:
    """A site is gone: it is nobody's home any more, nor where anybody begins. In a unit of work."""
    mentioning: Any = User.select(User.pk, User.profile).where(User.profile.cast("TEXT").contains(f'_site":{number}'))
    for user in mentioning:
        changed = {name: None for name in SITES if user.profile.get(name) == number}
        if changed:
            User.update(profile=user.profile | changed).where(User.pk == user.pk).execute()
