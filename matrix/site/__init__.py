"""The published pages: static files that work from any host and from file://, offline."""
