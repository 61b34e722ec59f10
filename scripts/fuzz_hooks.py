"""What Schemathesis cannot know of our GraphQL: the shape of Decimal, and that a refusal (status below 500) is no server error."""

import schemathesis
from graphql import StringValueNode
from hypothesis import strategies as st

numbers = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(["0", "-1", "1e400", "99999999999999999999999999999", "0.0000000000000000001", "NaN", "x"]),
)
schemathesis.graphql.scalar("Decimal", numbers.map(lambda text: StringValueNode(value=text)))


@schemathesis.check
def no_fault_of_ours(ctx, response, case):
    """Errors of the answer are refusals with a code of our table, or the query's own faults."""
    assert response.status_code < 500, f"HTTP {response.status_code}: {response.text[:400]}"
    for error in response.json().get("errors") or []:
        status = (error.get("extensions") or {}).get("status", 400)
        assert status < 500, f"status {status}: {error}"
