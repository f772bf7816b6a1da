"""Label and field selectors: parse, match, print.

Both are immutable values, which can be compared, hashed and shared between threads. Invalid text is refused with the
position of the mistake (counted from 0) and what is valid there.

Three things differ from upstream. `==` is read as `=`, so that selectors with the same meaning are equal. A selector
that matches nothing prints as a contradiction: upstream prints the empty text, which selects everything on a server.
Names of fields are checked here; upstream leaves that to the server.

Upstream: k8s.io/apimachinery/pkg/labels/selector.go and pkg/fields/selector.go (v0.37).
"""

from informers.selectors.fields import FieldRequirement as FieldRequirement
from informers.selectors.fields import FieldSelector as FieldSelector
from informers.selectors.labels import LabelSelector as LabelSelector
from informers.selectors.requirements import LabelRequirement as LabelRequirement

__all__ = ["FieldRequirement", "FieldSelector", "LabelRequirement", "LabelSelector"]
