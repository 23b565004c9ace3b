"""What runs by itself: warnings and reclaims, ends of reservations, recomputations."""
