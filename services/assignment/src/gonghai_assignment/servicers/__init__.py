"""The contract's methods: messages in, messages out, nothing decided."""
