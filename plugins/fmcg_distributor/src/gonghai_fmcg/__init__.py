"""The policy of fast-moving consumer goods distribution (快消)."""
