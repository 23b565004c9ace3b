"""The archive service: the customer archive."""
