"""Proto in, proto out: one file for each group of the archive's RPCs."""
