"""What the assignment service keeps: names of keys, scripts, and their Python face."""
