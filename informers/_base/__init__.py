"""What everything is made of: time, threads, flags, and checks of arguments."""
