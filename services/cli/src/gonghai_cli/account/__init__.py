"""The account: what the services say, read from them alone, and shown as tables."""
