"""Custody over a span that has not come yet: nothing is stored, nobody is told."""
