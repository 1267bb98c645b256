"""Set-up of sources, gateways, carriers and tariffs; call records read-only."""

from cdr.admin.facts import CallAdmin
from cdr.admin.set_up import CarrierAdmin, GatewayAdmin, SourceAdmin
from cdr.admin.tariffs import TariffAdmin

__all__ = ["CallAdmin", "CarrierAdmin", "GatewayAdmin", "SourceAdmin", "TariffAdmin"]
