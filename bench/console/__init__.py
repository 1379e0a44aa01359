"""The console in a real browser, measured: `make bench-console`."""
