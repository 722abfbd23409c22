"""An importer whose framework is not there."""

raise ImportError("libframework.so.7: cannot open shared object file")
