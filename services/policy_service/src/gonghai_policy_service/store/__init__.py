"""Where the documents of the tenants lie: names of keys and the scripts that move them."""
