"""Measurements, peers side by side in one run. Nothing of the application knows of this folder."""
