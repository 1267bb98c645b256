"""Address of the routing decisions: `/curri/`, `/curri/<site>/`, `/curri/<site>/<secret>`."""

from django.urls import path

from phonelock.views.curri import curri

urlpatterns = [
    path("curri", curri),
    path("curri/", curri, name="curri"),
    path("curri/<path:rest>", curri, name="curri-site"),
]
