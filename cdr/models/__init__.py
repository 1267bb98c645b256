"""The rows of call accounting, a file per aggregate."""

from cdr.models.calls import Adjustment, Call, CallStatus, CallType
from cdr.models.sources import (
    Delivery,
    DeliveryState,
    FailurePolicy,
    Outcome,
    OutcomeKind,
    QuarantinedRecord,
    QuarantineState,
    Source,
)
from cdr.models.tariffs import Carrier, Gateway, GatewayCarrier, GatewayKind, Tariff, TariffVersion
from cdr.models.totals import UnitTotal, UsageChange, UsageTotal
from cdr.models.work import Heartbeat, Lease

__all__ = [
    "Adjustment",
    "Call",
    "CallStatus",
    "CallType",
    "Carrier",
    "Delivery",
    "DeliveryState",
    "FailurePolicy",
    "Gateway",
    "GatewayCarrier",
    "GatewayKind",
    "Heartbeat",
    "Lease",
    "Outcome",
    "OutcomeKind",
    "QuarantineState",
    "QuarantinedRecord",
    "Source",
    "Tariff",
    "TariffVersion",
    "UnitTotal",
    "UsageChange",
    "UsageTotal",
]
