"""What both APIs share: statuses, failures, events, refunds, and the rules and objects of their requests."""
