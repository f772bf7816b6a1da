"""The example of how to test a controller is a test; so it is run, and so is the controller in it."""

from __future__ import annotations

import testing_a_controller

# pytest collects what a module has: its tests and its fixtures.
globals().update({name: value for name, value in vars(testing_a_controller).items() if not name.startswith("_")})
