"""Use cases of the assignment service, one a file."""
