"""The assignment service: who serves which customer."""
