"""PolicyService, as each service serves it for the policies that it applies."""
