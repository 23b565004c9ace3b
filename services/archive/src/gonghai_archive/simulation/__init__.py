"""The archive over a span that has not come yet: nothing is stored."""
