"""Looking after an installation from outside: what is wrong, said plainly, and its repair."""
