"""Label and field selectors: parse, match, print.

Both are values: made once, compared and hashed by what they ask for, and safe to share between threads.
Wrong text is refused when it is parsed, with the position (counted from 0) and what would be right there.

Three things differ from upstream. `==` is read as `=`, so that selectors which mean the same are equal. A
selector of nothing prints as a contradiction, since the empty text that upstream prints asks a server for
everything. A field's name is checked where upstream leaves that to the server.

Upstream: k8s.io/apimachinery/pkg/labels/selector.go and pkg/fields/selector.go (v0.37).
"""

from informers.selectors.fields import FieldRequirement as FieldRequirement
from informers.selectors.fields import FieldSelector as FieldSelector
from informers.selectors.labels import LabelSelector as LabelSelector
from informers.selectors.requirements import LabelRequirement as LabelRequirement

__all__ = ["FieldRequirement", "FieldSelector", "LabelRequirement", "LabelSelector"]
