"""What changes policies: one use case a file."""
