"""What every call to the fake meets: who asks, whether the signature holds, the merchant's books."""
