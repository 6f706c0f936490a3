"""What schemathesis is not to send; contract.py names this file to it."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    """Leaves out the header field that no document knows.

    It is taken for invalid data, but a server ignores fields that it does not know (RFC 9110, 5.1).
    """
    return "x-schemathesis-unknown-property" not in (case.headers or {})
