from django import template
from django.conf import settings

from demo.logins import LOGINS, PASSWORD

register = template.Library()


@register.inclusion_tag("demo/logins.html")
def demo_logins():
    """Name the log-ins of the demo, on nobody's server but the reader's own."""
    return {"logins": LOGINS if settings.DEBUG else [], "password": PASSWORD}
