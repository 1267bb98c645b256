"""Questions about locks, for pages, digest and operations."""

from phonelock.queries.lines import PhoneState, line_states, phone_state, phone_states

__all__ = ["PhoneState", "line_states", "phone_state", "phone_states"]
