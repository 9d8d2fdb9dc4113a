"""Headers of the example site."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class ContentSecurityPolicy:
    """Allow public pages no script or style but files of this site.

    Wagtail's admin and the inbox have inline parts of their own, so they are left out. Written
    by hand because Django brings such a middleware only from 6.0 on, and the site runs on 5.2 too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith(("/admin/", "/inbox/")):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response
