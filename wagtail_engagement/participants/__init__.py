"""The one register of people, filled when a person confirms."""
