"""The pool service: public pools and the custody of customers."""
