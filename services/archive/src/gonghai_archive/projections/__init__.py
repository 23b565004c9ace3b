"""What the archive keeps of the events of pool and assignment, to know who may see what."""
