"""How django-import-export brings in contacts with their tags."""

from __future__ import annotations

from typing import Any

from import_export import resources

from .models import PlainContact


class PlainContactResource(resources.ModelResource):
    class Meta:
        model = PlainContact
        import_id_fields = ["email"]
        fields = ["email", "name"]

    def after_save_instance(self, instance: PlainContact, row: Any, **kwargs: Any) -> None:
        instance.tags.add(*row["topics"].split("; "))
