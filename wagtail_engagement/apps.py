from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EngagementConfig(AppConfig):
    name = "wagtail_engagement"
    label = "wagtail_engagement"
    verbose_name = _("Engagement")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the system checks)
        from .consultations import pages
        from .invitations import receiving

        pages.follow_page_deletion()
        receiving.connect()
