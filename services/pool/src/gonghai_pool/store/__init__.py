"""The pool service's records in the store, and the atomic steps that change them."""
