"""What runs beside the calls: following the other services, routing, and calling pool."""
