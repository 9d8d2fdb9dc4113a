"""Who of the council works here: those who can use the admin, and how they are found and named."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q, QuerySet


def colleagues() -> QuerySet[Any]:
    """Everybody who is here and can use the admin."""
    users = get_user_model()._default_manager.filter(is_active=True)
    admin = {"codename": "access_admin", "content_type__app_label": "wagtailadmin"}
    by_group = Q(**{f"groups__permissions__{name}": value for name, value in admin.items()})
    by_name = Q(**{f"user_permissions__{name}": value for name, value in admin.items()})
    # By number, for a join would name somebody once for each of their groups.
    allowed = users.filter(Q(is_superuser=True) | by_group | by_name).values("pk")
    return users.filter(pk__in=allowed).order_by("pk")


def matching(users: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Of some users, those in whose names or address every word of a text stands."""
    for word in text.replace("\x00", "").split():
        stands = Q(pk__in=[])
        for name in _spoken_fields():
            stands |= Q(**{f"{name}__icontains": word})
        users = users.filter(stands)
    return users


def _spoken_fields() -> list[str]:
    """The columns by which people know each other; a site's own table of users may lack some."""
    model: Any = get_user_model()
    asked = dict.fromkeys(
        [model.USERNAME_FIELD, model.get_email_field_name(), "first_name", "last_name"]
    )
    return [name for name in asked if _has(model, name)]


def _has(model: Any, name: str) -> bool:
    try:
        return bool(model._meta.get_field(name))
    except FieldDoesNotExist:
        return False


def named(user: Any) -> str:
    """How somebody is called: by name, else by what they log in with; "" for nobody."""
    if user is None:
        return ""
    full_name = getattr(user, "get_full_name", str)()
    return str(full_name or user.get_username())
