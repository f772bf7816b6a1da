"""Reviews of users and of their permissions.

Upstream: k8s.io/kubernetes/pkg/registry/authorization and pkg/registry/authentication (v1.37).
"""

from __future__ import annotations

from informers.testing._http import status as failures
from informers.testing._http.bodies import read_object
from informers.testing._http.request_reader import Request
from informers.testing._http.status import Cause
from informers.testing._rules.authorization import Access
from informers.testing._store.documents import Json, mapping, timestamp

__all__ = ["review"]

_KINDS = {
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": "SelfSubjectAccessReview",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": "SubjectAccessReview",
    "/apis/authorization.k8s.io/v1/localsubjectaccessreviews": "LocalSubjectAccessReview",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews": "SelfSubjectRulesReview",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews": "SelfSubjectReview",
    "/apis/authentication.k8s.io/v1/tokenreviews": "TokenReview",
}
_EVERYTHING: Json = {
    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "incomplete": False,
}


def review(request: Request, access: Access, now: float) -> Json | None:
    """Return the answer to a review, or None if the request is not for one.

    Raises:
        Failure: 400, 405, 422.
    """
    head, _, rest = request.path.partition("/namespaces/")
    namespace, _, plural = rest.partition("/")
    path = f"{head}/{plural}" if plural == "localsubjectaccessreviews" else request.path
    kind = _KINDS.get(path)
    if kind is None:
        return None
    if request.method != "POST":
        raise failures.method_not_allowed()
    body = read_object(request, kind)
    spec = mapping(body.get("spec"))
    api_version = path.removeprefix("/apis/").rpartition("/")[0]
    answer: Json = {"kind": kind, "apiVersion": api_version, "metadata": {}, "spec": spec}
    if kind == "SelfSubjectReview":
        del answer["spec"]
        answer["metadata"] = {"creationTimestamp": timestamp(now)}
        return {**answer, "status": {"userInfo": {"username": access.user, "groups": [access.group]}}}
    if kind == "TokenReview":
        is_known = access.knows(str(spec.get("token", "")))
        user: Json = {"username": access.user, "groups": [access.group]}
        status = {"authenticated": True, "user": user} if is_known else {"user": {}, "error": "invalid bearer token"}
        return {**answer, "status": status}
    if kind == "SelfSubjectRulesReview":
        # Rules only allow, so denials can't be listed.
        return {**answer, "spec": {}, "status": {**_EVERYTHING, "incomplete": access.denies_anything}}
    if ("resourceAttributes" in spec) == ("nonResourceAttributes" in spec):
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise failures.invalid(
            "authorization.k8s.io", "", "", [Cause("FieldValueInvalid", "spec", f"Invalid value: null: {why}")]
        )
    if kind == "LocalSubjectAccessReview":
        answer["metadata"] = {"namespace": namespace}
    wanted = mapping(spec.get("resourceAttributes"))
    is_allowed = (
        access.allows(wanted.get("group", ""), wanted.get("resource", ""), wanted.get("verb", "")) if wanted else True
    )
    return {**answer, "status": {"allowed": is_allowed}}
