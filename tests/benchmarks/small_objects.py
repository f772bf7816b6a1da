"""Small objects, as clusters have thousands of: leases, role bindings, config maps."""

from __future__ import annotations

from typing import Any

TIME = "2026-01-01T00:00:00Z"


def made(kind: str, number: int) -> dict[str, Any]:
    """Return an object as a list has it: 260 to 520 bytes of JSON."""
    metadata: dict[str, Any] = {
        "name": f"{kind}-{number * 7919 % 1_000_003}",
        "namespace": f"team-{number % 200}",
        "uid": f"6f4922f4-5568-4a0c-{number % 65536:04x}-{number * 7919 * 104_729 % (1 << 48):012x}",
        "resourceVersion": str(100_000 + number),
        "creationTimestamp": TIME,
    }
    if kind == "lease":
        fields = {"f:spec": {"f:holderIdentity": {}, "f:leaseDurationSeconds": {}, "f:renewTime": {}}}
        metadata["managedFields"] = [
            {"manager": "kubelet", "operation": "Update", "apiVersion": "coordination.k8s.io/v1", "time": TIME,
             "fieldsType": "FieldsV1", "fieldsV1": fields},
        ]  # fmt: skip
        renewed = f"2026-01-01T20:00:00.{number % 1_000_000:06d}Z"
        spec = {"holderIdentity": f"node-{number}", "leaseDurationSeconds": 40, "renewTime": renewed}
        return {"metadata": metadata, "spec": spec}
    if kind == "binding":
        metadata["labels"] = {"app": f"a{number % 50}"}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"r{number}"}
        subjects = [{"kind": "ServiceAccount", "name": f"sa-{number}", "namespace": "default"}]
        return {"metadata": metadata, "roleRef": role, "subjects": subjects}
    return {"metadata": metadata, "data": {"key": f"value {number} " + "x" * 60}}
