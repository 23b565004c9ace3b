"""A plain RFM policy for tenants whose industry has no plugin."""
