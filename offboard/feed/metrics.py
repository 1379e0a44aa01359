"""What the feed counts. docs/operations.md says what to look at.

Nothing here names a tenant. Of several workers each counts for itself, and one scrape sums them all.
"""

from prometheus_client import Counter, Gauge, Histogram

OPEN_SOCKETS = Gauge(
    "offboard_open_sockets", "WebSockets and event streams that are open now.", multiprocess_mode="livesum"
)
SUBSCRIPTIONS = Gauge("offboard_subscriptions", "Subscriptions that wait for events now.", multiprocess_mode="livesum")
EVENTS = Counter("offboard_events_delivered", "Events handed to subscriptions, one for each that gets it.")
HINTS = Counter("offboard_hints", "Hints of the broker: published, received, or lost while publishing.", ["kind"])
BROKER_LAG = Histogram(
    "offboard_broker_lag_seconds",
    "From publishing a hint to receiving it, by the clocks of the two machines.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
CLOSED_AFTER = Histogram(
    "offboard_closed_after_seconds",
    "From the time of the event that ends a session to the write that closes its socket.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
