"""Image files: what they say of themselves, whether they are whole, their pixels."""
