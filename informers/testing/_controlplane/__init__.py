"""What a real control plane on loopback is made of: binaries, keys, processes, and a relay that breaks connections."""
