"""The headers under which the pages are driven."""

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'self'; "
    "base-uri 'none'"
)


class StrictPolicy:
    """Forbid every inline script and style on public pages, and report them in the admin.

    Wagtail's own admin screens have inline parts, so there the browser only says what it found.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        is_admin = request.path.startswith("/admin/")
        name = "Content-Security-Policy" + ("-Report-Only" if is_admin else "")
        response.headers[name] = STRICT
        return response
