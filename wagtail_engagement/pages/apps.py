from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EngagementPagesConfig(AppConfig):
    name = "wagtail_engagement.pages"
    label = "wagtail_engagement_pages"
    verbose_name = _("Engagement pages")
    default_auto_field = "django.db.models.BigAutoField"
