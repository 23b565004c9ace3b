"""What the service keeps of the other services' events."""
