"""Proto in, proto out: one file for each group of RPCs."""
