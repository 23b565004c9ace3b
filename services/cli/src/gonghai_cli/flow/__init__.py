"""The main flow on a plugin's sample: from the import to the reclaims, each step a file."""
