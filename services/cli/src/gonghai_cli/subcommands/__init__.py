"""The subcommands of `gonghai`, a file each."""
