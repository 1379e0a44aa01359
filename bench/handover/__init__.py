"""A departure at full size: pages and a hand-over in a workspace of a million conversations (`make bench-handover`).

docs/performance.md says what is measured and how.
"""
