"""What the pool service keeps of the events of archive and assignment."""
