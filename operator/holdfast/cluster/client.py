"""Requests to the API server, as dictionaries.

Rule: one request is sent once, with a time limit, and what the server thinks of it is an error of `errors.py`. Only
refused credentials are read again, once. Never the typed API modules: they drop fields they do not know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from kubernetes.aio.client import ApiClient, CustomObjectsApi
from kubernetes.aio.client.exceptions import ApiException

from .connection import Connection
from .errors import ClusterError, NotFound, NotLoggedIn, Unreachable, answered
from .resources import Body, Resource

MANAGER: Final = "holdfast"
PAGE: Final = 500
_MERGE: Final = "application/merge-patch+json"
_JSON_PATCH: Final = "application/json-patch+json"
_APPLY: Final = "application/apply-patch+yaml"
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

_Call = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; all pages of one list show the same moment. `more` asks for the next one."""

    items: tuple[Body, ...]
    resource_version: str
    more: str


class _Api(ApiClient):  # type: ignore[misc] # the library has no types
    """Knows where the core group lives: it has no name, and a root of its own."""

    async def call_api(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        return await super().call_api(method, url.replace("/apis//", "/api/", 1), *args, **options)


class Client:
    """One connection to one API server. `timeout` is in seconds and for a whole request."""

    def __init__(self, connection: Connection, timeout: float = 30.0) -> None:
        """Nothing is sent yet."""
        self.connection = connection
        self._timeout = float(timeout)
        self._api = _Api(connection.configuration())
        self._objects = CustomObjectsApi(self._api)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def kinds(self, group: str, version: str) -> frozenset[str]:
        """The plurals that the server serves in this group; empty when it does not know the group."""
        what = Resource(group, version, "kinds", "")
        try:
            answer = await self._ask("discover", what, "", self._objects.get_api_resources, group, version)
        except NotFound:
            return frozenset()
        return frozenset(found["name"] for found in answer.get("resources") or ())

    async def whoami(self) -> str:
        """The name of the user who asks, as the server knows it."""
        what = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview")
        body = {"apiVersion": what.api_version, "kind": what.kind}
        call = self._objects.create_cluster_custom_object
        answer = await self._ask("create", what, "", call, what.group, what.version, what.plural, body)
        return str(answer["status"]["userInfo"]["username"])

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        limit: int = PAGE,
        more: str = "",
    ) -> Page:
        """One page of a list; namespace None is the whole cluster. Raises Gone when `more` is too old."""
        asked = (("limit", limit), ("_continue", more), ("label_selector", labels))
        options = {key: value for key, value in asked if value not in (None, "")}
        where: tuple[str, ...] = (resource.plural,) if namespace is None else (namespace, resource.plural)
        objects = self._objects
        call = objects.list_cluster_custom_object if namespace is None else objects.list_namespaced_custom_object
        answer = await self._ask("list", resource, "", call, resource.group, resource.version, *where, **options)
        metadata = answer.get("metadata") or {}
        items = tuple(answer.get("items") or ())
        return Page(items, metadata.get("resourceVersion", ""), metadata.get("continue", ""))

    async def pages(
        self, resource: Resource, namespace: str | None = None, *, labels: str | None = None, limit: int = PAGE
    ) -> AsyncIterator[Page]:
        """All pages, one at a time in memory. Raises Gone when the list took too long: start again."""
        more = ""
        while True:
            page = await self.list(resource, namespace, labels=labels, limit=limit, more=more)
            yield page
            more = page.more
            if not more:
                return

    async def everything(
        self, resource: Resource, namespace: str | None = None, *, labels: str | None = None
    ) -> tuple[Body, ...]:
        """Every object at once, for lists that are known to be short."""
        return tuple([item async for page in self.pages(resource, namespace, labels=labels) for item in page.items])

    async def get(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]:
        """The object as it is; raises NotFound. Namespace None for what lives in none."""
        where: tuple[str, ...] = (resource.plural, name) if namespace is None else (namespace, resource.plural, name)
        objects = self._objects
        call = objects.get_cluster_custom_object if namespace is None else objects.get_namespaced_custom_object
        return await self._ask("get", resource, name, call, resource.group, resource.version, *where)

    async def metadata(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        """Its metadata alone: nothing else leaves the server. Raises NotFound."""
        where = (resource.group, resource.version, namespace, resource.plural, name)
        call = self._objects.get_namespaced_custom_object
        return await self._ask("get", resource, name, call, *where, _headers={"Accept": _METADATA})

    async def create(self, resource: Resource, namespace: str, body: Body) -> dict[str, Any]:
        """Create it; raises Exists."""
        where = (resource.group, resource.version, namespace, resource.plural, dict(body))
        call = self._objects.create_namespaced_custom_object
        return await self._ask("create", resource, body["metadata"]["name"], call, *where, field_manager=MANAGER)

    async def replace(self, resource: Resource, namespace: str, body: Body) -> dict[str, Any]:
        """Make it this. `metadata.resourceVersion` in the body is a precondition: Conflict."""
        name = body["metadata"]["name"]
        where = (resource.group, resource.version, namespace, resource.plural, name, dict(body))
        call = self._objects.replace_namespaced_custom_object
        return await self._ask("update", resource, name, call, *where, field_manager=MANAGER)

    async def merge_patch(
        self, resource: Resource, namespace: str, name: str, body: Body, *, manager: str = MANAGER
    ) -> dict[str, Any]:
        """Merge into it; None removes a field. `metadata.resourceVersion` in the body is a precondition: Conflict."""
        where = (resource.group, resource.version, namespace, resource.plural, name, dict(body))
        call = self._objects.patch_namespaced_custom_object
        return await self._ask("patch", resource, name, call, *where, field_manager=manager, _content_type=_MERGE)

    async def json_patch(
        self, resource: Resource, namespace: str, name: str, operations: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Carry out these operations, all or none. One that does not fit what is there, such as a `test`: Conflict."""
        where = (resource.group, resource.version, namespace, resource.plural, name, list(operations))
        call = self._objects.patch_namespaced_custom_object
        options = {"field_manager": MANAGER, "_content_type": _JSON_PATCH}
        return await self._ask("patch", resource, name, call, *where, **options)

    async def try_apply(
        self, resource: Resource, namespace: str, name: str, body: Body, *, manager: str
    ) -> dict[str, Any]:
        """What a server-side apply by this manager would give; nothing is written."""
        where = (resource.group, resource.version, namespace, resource.plural, name, dict(body))
        call = self._objects.patch_namespaced_custom_object
        options = {"field_manager": manager, "force": True, "dry_run": "All", "_content_type": _APPLY}
        return await self._ask("patch", resource, name, call, *where, **options)

    async def apply_status(
        self, resource: Resource, namespace: str, name: str, status: Body, *, resource_version: str | None = None
    ) -> dict[str, Any]:
        """Make our part of the status this. What was applied before and is left out now goes: always send all of it.

        The same again changes nothing. With `resource_version` it is a precondition: Conflict.
        """
        metadata = {"name": name, "namespace": namespace}
        if resource_version is not None:
            metadata["resourceVersion"] = resource_version
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "status": dict(status)}
        where = (resource.group, resource.version, namespace, resource.plural, name, body)
        call = self._objects.patch_namespaced_custom_object_status
        options = {"field_manager": MANAGER, "force": True, "_content_type": _APPLY}
        return await self._ask("patch", resource, name, call, *where, **options)

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, resource_version: str = "", uid: str = ""
    ) -> None:
        """Delete it; raises NotFound. `resource_version` and `uid` are preconditions: Conflict."""
        where = (resource.group, resource.version, namespace, resource.plural, name)
        wanted = {key: value for key, value in (("resourceVersion", resource_version), ("uid", uid)) if value}
        only = {"body": {"preconditions": wanted}} if wanted else {}
        await self._ask("delete", resource, name, self._objects.delete_namespaced_custom_object, *where, **only)

    async def _ask(
        self, verb: str, resource: Resource, name: str, call: _Call, *args: Any, **options: Any
    ) -> dict[str, Any]:
        """Send it; credentials that are refused are read again, and tried once more if they are others now."""
        used = self.connection.authorization
        try:
            return await self._send(verb, resource, name, call, *args, **options)
        except NotLoggedIn:
            await self.connection.renew()
            if self.connection.authorization == used:
                raise
            return await self._send(verb, resource, name, call, *args, **options)

    async def _send(
        self, verb: str, resource: Resource, name: str, call: _Call, *args: Any, **options: Any
    ) -> dict[str, Any]:
        what = f"{verb} {resource} {name}".rstrip()
        try:
            answer = await call(*args, **options, _request_timeout=self._timeout)
        except ApiException as error:
            raise answered(error.status or 0, error.body, verb, str(resource), name) from error
        except TimeoutError as error:
            raise Unreachable(f"No answer within {self._timeout:g} s ({what}).") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"The API server cannot be reached ({what}): {error}.") from error
        if hasattr(answer, "to_dict"):  # discovery is the one answer that comes as a model
            answer = answer.to_dict()
        if not isinstance(answer, dict):
            server = self.connection.server
            raise Unreachable(f"The answer is not an object ({what}): is {server} an API server?")
        return answer


__all__ = ["MANAGER", "PAGE", "Client", "ClusterError", "Page"]
