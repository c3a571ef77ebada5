"""What people and machines read when a batch is done."""
