"""From an object to its owner, from an owner to its objects, and the reference between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import ApiClient, V1ConfigMap, V1ObjectMeta, V1OwnerReference, V1Pod

from informers import ClusterResource, ConfigurationError, NamespacedResource, ObjectName
from informers.controllers import Controller, by_controller, controller_reference
from informers.controllers.owners import owner_names
from informers.kinds import apps, core
from informers.workqueue import Queue
from tests.controllers.cluster import OWNERS, PODS, Cluster, Obj, kind_of, settled, started, written

WEB, POD = ObjectName("shop", "web"), ObjectName("shop", "web-0")
CLUSTER_WIDE: ClusterResource[Obj] = ClusterResource("example.com", "v1", "podsets", "PodSet")


def reference(**fields: Any) -> Obj:
    return {"apiVersion": "example.com/v1", "kind": "PodSet", "name": "web", "uid": "u", "controller": True, **fields}


def pod(*references: Obj, namespace: str = "shop") -> Obj:
    return {"metadata": {"namespace": namespace, "name": "web-0", "ownerReferences": list(references)}}


def names(obj: Any, resource: Any = OWNERS, *, every_owner: bool = False) -> list[ObjectName]:
    return list(owner_names(resource, every_owner=every_owner)(obj))


class TestNames:
    @pytest.mark.upstream(
        "controller-runtime/pkg/handler/eventhandler_test.go",
        "should enqueue a Request with the Owner of the object in the CreateEvent.",
        "should enqueue a Request with the Owner of the object in the DeleteEvent.",
    )
    def test_the_owner_of_an_object_is_in_its_namespace(self) -> None:
        assert names(pod(reference())) == [WEB]

    def test_the_version_of_a_reference_does_not_matter(self) -> None:
        assert names(pod(reference(apiVersion="example.com/v1alpha1"))) == [WEB]

    @pytest.mark.upstream(
        "controller-runtime/pkg/handler/eventhandler_test.go",
        "should enqueue reconcile.Requests for only the first the Controller if there are multiple Controller owners.",
    )
    def test_only_the_controller_counts_unless_every_owner_is_asked_for(self) -> None:
        both = pod(reference(name="other", controller=False), reference())
        assert names(both) == [WEB]
        assert names(both, every_owner=True) == [ObjectName("shop", "other"), WEB]
        without = reference()
        del without["controller"]
        assert names(pod(without)) == []

    @pytest.mark.upstream(
        "controller-runtime/pkg/handler/eventhandler_test.go",
        "should not enqueue a Request if there are no owners matching Group and Kind.",
    )
    @pytest.mark.parametrize("field", [{"kind": "JobSet"}, {"apiVersion": "other.com/v1"}, {"apiVersion": "v1"}])
    def test_an_owner_of_another_kind_or_group_is_nobodys(self, field: Obj) -> None:
        assert names(pod(reference(**field))) == []

    @pytest.mark.upstream("controller-runtime/pkg/handler/eventhandler_test.go", "should do nothing.")
    @pytest.mark.parametrize("version", ["", "a/b/c", "example.com/", "/v1", None])
    def test_a_reference_whose_version_can_not_be_read_is_passed_over(self, version: Any) -> None:
        assert names(pod(reference(apiVersion=version), reference())) == [WEB]

    @pytest.mark.upstream(
        "controller-runtime/pkg/handler/eventhandler_test.go",
        "should enqueue a Request if there are owners matching Group and Kind with a different version.",
    )
    def test_the_core_group_has_no_name(self) -> None:
        assert names(pod(reference(apiVersion="v1", kind="ConfigMap")), core.V1.config_maps) == [WEB]

    @pytest.mark.upstream(
        "controller-runtime/pkg/handler/eventhandler_test.go",
        "should enqueue a Request for a owner that is cluster scoped",
    )
    def test_an_owner_of_the_whole_cluster_has_no_namespace(self) -> None:
        assert names(pod(reference()), CLUSTER_WIDE) == [ObjectName("", "web")]

    def test_an_object_of_the_whole_cluster_has_no_owner_in_a_namespace(self) -> None:
        assert names(pod(reference(), namespace="")) == []

    def test_models_of_the_official_client_are_read_like_mappings(self) -> None:
        owner = V1OwnerReference(api_version="example.com/v1", kind="PodSet", name="web", uid="u", controller=True)
        assert names(
            V1Pod(metadata=V1ObjectMeta(name="web-0", namespace="shop", owner_references=[owner]), spec=None)
        ) == [WEB]

    def test_a_resource_that_does_not_name_its_kind_can_not_own(self) -> None:
        with pytest.raises(ConfigurationError, match="does not name its kind"):
            owner_names(NamespacedResource("example.com", "v1", "podsets"), every_owner=False)


class TestEvents:
    @pytest.fixture
    def cluster(self) -> Iterator[Cluster]:
        return Cluster()

    def looked_at(self, controller: Controller, cluster: Cluster) -> list[str]:
        cluster.deliver("pods")
        settled(controller, cluster)
        found: list[str] = []
        while (processed := controller.process_next()) is not None:
            found.append(processed.name.name)
        return found

    @pytest.mark.upstream(
        "controller-runtime/pkg/handler/eventhandler_test.go",
        "should enqueue a Request with the Owners of both objects in the UpdateEvent.",
        "should enqueue a Request with the one duplicate Owner of both objects in the UpdateEvent.",
    )
    def test_the_owner_is_looked_at_on_each_event_and_a_former_one_once_more(self, cluster: Cluster) -> None:
        with kind_of(cluster, OWNERS) as owners, kind_of(cluster, PODS) as pods:
            controller = Controller("sets", owners, lambda name: None).owns(pods)
            started(owners, pods)
            written(cluster, "pods", POD)
            assert self.looked_at(controller, cluster) == []
            cluster.apply("pods", pod(reference()))
            assert self.looked_at(controller, cluster) == ["web"]
            cluster.apply("pods", pod(reference(name="other")))
            assert self.looked_at(controller, cluster) == ["other", "web"]
            cluster.remove("pods", str(POD))
            assert self.looked_at(controller, cluster) == ["other"]
            controller.stop()

    def test_an_object_that_is_released_or_adopted_is_reported_to_the_owner_that_it_had_or_has(
        self, cluster: Cluster
    ) -> None:
        with kind_of(cluster, OWNERS) as owners, kind_of(cluster, PODS) as pods:
            controller = Controller("sets", owners, lambda name: None).owns(pods)
            started(owners, pods)
            for change, references, expected in [
                ("is made", [reference(controller=False)], []),
                ("is adopted", [reference()], ["web"]),
                ("is released", [reference(controller=False)], ["web"]),
                ("is on its own", [], []),
            ]:
                cluster.apply("pods", pod(*references))
                assert self.looked_at(controller, cluster) == expected, change
            controller.stop()

    def test_a_tombstone_without_its_object_is_passed_over(self, caplog: pytest.LogCaptureFixture) -> None:
        from informers import DeletedFinalStateUnknown
        from informers.controllers._names_handler import NamesHandler, own_name

        queue = Queue[ObjectName]()
        handler = NamesHandler(owner_names(OWNERS, every_owner=False), None, queue)
        handler.on_delete(DeletedFinalStateUnknown("shop/web-0", pod(reference())))
        assert queue.get(timeout=0) == WEB
        handler.on_delete(DeletedFinalStateUnknown("shop/web-0"))
        assert len(queue) == 0
        assert "its last state unknown" in caplog.text
        NamesHandler(own_name, None, queue).on_delete(DeletedFinalStateUnknown("shop/web-1"))
        assert queue.get(timeout=0) == ObjectName("shop", "web-1")


class TestByController:
    @pytest.mark.upstream("kubernetes/pkg/controller/statefulset/stateful_set_test.go", "TestStaleOwnerRefOnScaleup")
    def test_objects_are_counted_by_the_uid_of_their_controller(self) -> None:
        cluster = Cluster()
        owner = written(cluster, "podsets", WEB)
        for number, fields in enumerate([{}, {"uid": "earlier"}, {"controller": False}]):
            found = reference(uid=owner["metadata"]["uid"], **fields) if "uid" not in fields else reference(**fields)
            cluster.apply("pods", {"metadata": {"namespace": "shop", "name": str(number), "ownerReferences": [found]}})
        with kind_of(cluster, PODS) as pods:
            mine = by_controller(pods)
            started(pods)
            assert [found["metadata"]["name"] for found in mine.of(owner)] == ["0"]
            assert mine.of({"metadata": {"name": "web", "uid": "earlier"}})[0]["metadata"]["name"] == "1"

    def test_an_object_moves_with_its_reference_from_one_owner_to_the_next(self) -> None:
        cluster = Cluster()
        first = written(cluster, "podsets", WEB)
        cluster.apply("pods", pod(reference(uid=first["metadata"]["uid"])))
        cluster.remove("podsets", str(WEB))
        again = written(cluster, "podsets", WEB)
        with kind_of(cluster, PODS) as pods:
            mine = by_controller(pods)
            started(pods)
            assert (len(mine.of(first)), mine.of(again)) == (1, []), "the namesake has another uid"
            for references, counts in [
                ([reference(uid=again["metadata"]["uid"])], (0, 1)),
                ([reference(uid=again["metadata"]["uid"], controller=False)], (0, 0)),
                ([reference(uid=again["metadata"]["uid"]), reference(uid=first["metadata"]["uid"])], (1, 1)),
                ([], (0, 0)),
            ]:
                cluster.apply("pods", pod(*references))
                cluster.deliver("pods")
                assert pods.informer.wait_until_seen(str(cluster.version), timeout=10)
                assert (len(mine.of(first)), len(mine.of(again))) == counts

    def test_an_object_in_another_namespace_does_not_belong_to_an_owner_whatever_it_says(self) -> None:
        cluster = Cluster()
        uid = written(cluster, "podsets", WEB)["metadata"]["uid"]
        for namespace in ("shop", "stranger"):
            cluster.apply("pods", pod(reference(uid=uid), namespace=namespace))
        with kind_of(cluster, PODS) as pods:
            mine = by_controller(pods)
            started(pods)
            of_one, of_all = ({"metadata": {"uid": uid, **extra}} for extra in ({"namespace": "shop"}, {}))
            assert [found["metadata"]["namespace"] for found in mine.of(of_one)] == ["shop"]
            assert len(mine.of(of_all)) == 2, "an owner of the whole cluster has objects in every namespace"

    def test_a_kind_may_be_indexed_by_several_controllers(self) -> None:
        with kind_of(Cluster(), PODS) as pods:
            by_controller(pods)
            assert by_controller(pods).of({"metadata": {"uid": "u"}}) == []

    @pytest.mark.parametrize("owner", [{}, {"metadata": {"name": "web"}}, None, "web"])
    def test_an_owner_without_a_uid_is_refused(self, owner: Any) -> None:
        with kind_of(Cluster(), PODS) as pods, pytest.raises(ConfigurationError, match="an owner has a uid"):
            by_controller(pods).of(owner)

    def test_what_is_not_a_kind_is_refused(self) -> None:
        kind: Any = core.V1.pods
        with pytest.raises(ConfigurationError, match="expected a kind of a factory"):
            by_controller(kind)


class TestReference:
    def test_it_makes_its_owner_the_controller(self) -> None:
        owner = V1ConfigMap(metadata=V1ObjectMeta(name="web", namespace="shop", uid="u"))
        made = controller_reference(owner, core.V1.config_maps)
        body = ApiClient().sanitize_for_serialization({"ownerReferences": [made]})
        assert body["ownerReferences"] == [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": "web",
                "uid": "u",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
        assert names(
            V1Pod(metadata=V1ObjectMeta(name="web-0", namespace="shop", owner_references=[made]), spec=None),
            core.V1.config_maps,
        ) == [WEB]

    def test_a_mapping_may_own_too(self) -> None:
        made = controller_reference({"metadata": {"name": "web", "uid": "u"}}, apps.V1.deployments)
        assert (made.api_version, made.kind, made.name) == ("apps/v1", "Deployment", "web")

    @pytest.mark.parametrize(
        ("owner", "resource", "message"),
        [
            ({"metadata": {"name": "web"}}, OWNERS, "an owner has a uid"),
            ({"metadata": {"uid": "u"}}, OWNERS, "has no name"),
            ({"metadata": {"name": "web", "uid": "u"}}, NamespacedResource("", "v1", "pods"), "does not name its kind"),
            ({"metadata": {"name": "web", "uid": "u"}}, "pods", "expected the owner's resource"),
        ],
    )
    def test_what_can_not_be_a_reference_is_refused(self, owner: Obj, resource: Any, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            controller_reference(owner, resource)
