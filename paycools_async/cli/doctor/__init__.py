"""`paycools doctor`: what is wrong with this machine's settings, and the cure of each fault."""
