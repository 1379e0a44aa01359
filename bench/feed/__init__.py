"""The revocation feed at full size: this project, stock Strawberry and graphql-ws under one client (`make bench-feed`).

docs/performance.md says what is measured and how.
"""
