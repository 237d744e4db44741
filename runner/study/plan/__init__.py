"""From a command line to a checked study that does not exist yet."""
