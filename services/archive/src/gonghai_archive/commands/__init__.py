"""The archive's use cases, one a file."""
