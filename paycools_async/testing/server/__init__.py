"""What every call to the fake meets: who asks, whether the signature holds, and the records both APIs share."""
