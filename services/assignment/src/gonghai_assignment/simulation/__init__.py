"""Routing over a span that has not come yet: nothing is stored, and pool is not called."""
