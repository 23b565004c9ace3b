"""What the archive does by itself, a partition at a time, under its lease."""
