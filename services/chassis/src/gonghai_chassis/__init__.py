"""What every Gonghai service stands on: server, errors, store, events, leases, clocks, settings."""
