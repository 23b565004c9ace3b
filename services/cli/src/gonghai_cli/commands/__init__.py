"""The commands of `gonghai`, a file each."""
