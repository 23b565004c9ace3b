"""One use case a file: what a caller can ask for, without gRPC and without the store's commands."""
