"""The users of the tests. Debian's Locust 2.12.1 has no version, and so treats its own workers as outdated: set one."""

import importlib.util
import os

import locust.runners

if not locust.runners.__version__:
    locust.runners.__version__ = "2.12.1"

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "generators", "testdata", "locustfile.py")
spec = importlib.util.spec_from_file_location("visitor", path)
visitor = importlib.util.module_from_spec(spec)
spec.loader.exec_module(visitor)
Visitor = visitor.Visitor
