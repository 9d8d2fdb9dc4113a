"""The pages behind the links in mails. Mount them once, above Wagtail's own urls."""

from django.urls import path

from .invitations import callbacks
from .participants import own_views as own
from .participants import views
from .rights import views as rights

app_name = "wagtail_engagement"
urlpatterns = [
    # Short, so that a link stays short in mails and in the headers of mail programs.
    path("c/<str:token>/", views.confirm_link, name="confirm_link"),
    path("p/<str:token>/", views.choices_link, name="choices_link"),
    path("f/<str:token>/", views.fresh_link, name="fresh_link"),
    path("l/<str:token>/", views.leave_link, name="leave_link"),
    path("i/<str:token>/", rights.identity_link, name="identity_link"),
    path("r/<str:token>/", own.renew_link, name="renew_link"),
    path("m/<str:token>/", own.move_link, name="move_link"),
    path("confirm/", views.confirm, name="confirm"),
    path("choices/", views.choices, name="choices"),
    path("taken-part/", views.fresh, name="fresh"),
    path("leave/", views.leave, name="leave"),
    # Below the page whose cookie guards them.
    path("taken-part/your-data/", rights.your_data, name="your_data"),
    path("taken-part/details/", own.details, name="details"),
    path("renew/", own.renew, name="renew"),
    path("new-address/", own.move, name="move"),
    path("identity/", rights.identity, name="identity"),
    path("identity/your-data/", rights.your_data_by_request, name="your_data_by_request"),
    # For a machine, which proves itself by a token.
    path("notify/callback/", callbacks.notify, name="notify_callback"),
]
