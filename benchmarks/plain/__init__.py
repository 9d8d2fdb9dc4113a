"""The peer: what Wagtail's own documentation builds when a site wants a form."""
