"""A site's own forms, as councils have them beside the package."""
