"""Writing to the people who agreed and who care."""
