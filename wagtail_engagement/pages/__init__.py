"""The concrete page types, for sites whose pages are Wagtail's own."""
