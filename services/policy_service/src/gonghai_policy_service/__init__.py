"""PolicyService, as each Gonghai service serves it for the policies that it applies."""

from gonghai_policy_service.book import PolicyBook
from gonghai_policy_service.servicer import PolicyServicer, add_policy_service

__all__ = ["PolicyBook", "PolicyServicer", "add_policy_service"]
