"""Looking after an installation: its condition, its projections, its records."""
