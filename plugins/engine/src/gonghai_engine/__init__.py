"""Loads industry plugins, compiles their rules, decides and explains."""
