"""The parts of the probe server: HTTP that slow clients can't block, and the user's checks."""
