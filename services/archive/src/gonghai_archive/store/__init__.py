"""What the archive keeps, and the atomic steps on it."""
