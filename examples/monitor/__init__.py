"""The parts of `network_monitor.py`.

- `report`: what it says, in lines for people or JSON for machines;
- `cluster`: how it finds the API server;
- `policies`: what a network policy says, and which pods it selects;
- `handlers`: what it does on events;
- `selection`: which policies select each pod, followed in a thread of its own;
- `serving`: its health and metrics, for Kubernetes and Prometheus;
- `demo`: an API server with a small life of its own.
"""
