"""What people write in the demo workspace."""

SUBJECTS = (
    "Refund for order #{number}",
    "Where is order #{number}?",
    "Invoice {number} shows the wrong address",
    "Charged twice for invoice {number}",
    "Cannot sign in on my phone",
    "How do I add a second site?",
    "Export stops at row {number}",
    "Upgrade to the yearly plan",
    "Cancel my subscription",
    "Parcel #{number} arrived damaged",
    "Change the delivery date of #{number}",
    "Question about the data processing agreement",
    "Webhook answers 500 since this morning",
    "Feature request: dark mode",
    "Quote for 25 seats",
    "VAT number missing on invoice {number}",
    "Import of contacts fails",
    "Thank you for the quick help",
)

NOTES = (
    "Called, no answer. Trying again tomorrow.",
    "Customer confirmed the address; warehouse informed.",
    "Refund is approved, waiting for the bank.",
    "Same cause as last week's outage, linked there.",
    "Asked for a screenshot.",
    "Prefers to be called after five.",
    "Second complaint this month: please be generous.",
    "Legal has seen the wording and agrees.",
    "Sent the guide for two-step sign-in.",
    "Escalated to engineering.",
)

COMMENTS: dict[int, tuple[str, ...]] = {
    1: ("Nobody called me back.", "Three weeks for one answer."),
    2: ("Friendly, but it took too long.",),
    3: ("Solved in the end.",),
    4: ("Good help.", "Quick answer, thanks."),
    5: ("Perfect!", "Best support I have had in years.", "Ana was wonderful."),
}
