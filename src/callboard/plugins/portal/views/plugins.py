"""Plugins: what is installed, what each adds, and the switch."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from callboard.plugins.portal import selectors
from callboard.plugins.portal.services import plugins
from callboard.plugins.portal.types import PluginRow
from callboard.sdk.permissions import require
from callboard.sdk.plugins import PluginSwitchError
from callboard.sdk.ui import render, toast


@require_safe
def plugin_list(request: HttpRequest) -> HttpResponse:
    """Show all plugins that are installed."""
    require("admin.plugins.manage")
    return render(request, "portal/plugins.html", {"plugins": selectors.plugin_rows()})


@require_safe
def plugin_detail(request: HttpRequest, name: str) -> HttpResponse:
    """Show one plugin: its state, its faults and everything it adds."""
    plugin = _plugin(name)
    context = {"plugin": plugin, "groups": selectors.contribution_groups(name)}
    return render(request, "portal/plugin.html", context)


@require_http_methods(["GET", "POST"])
def plugin_switch(request: HttpRequest, name: str) -> HttpResponse:
    """Ask, then switch the plugin on or off."""
    plugin = _plugin(name)
    if request.method != "POST":
        return render(request, "portal/plugin_switch.html", {"plugin": plugin})
    try:
        if request.POST.get("to") == "on":
            plugins.enable_plugin(name)
            toast(request, _("%(plugin)s is on.") % {"plugin": plugin.title})
        else:
            plugins.disable_plugin(name)
            toast(request, _("%(plugin)s is off. Its data is kept.") % {"plugin": plugin.title})
    except PluginSwitchError as error:
        context = {"plugin": plugin, "error": str(error)}
        return render(request, "portal/plugin_switch.html", context, status=422)
    return redirect("plugin", name=name)


def _plugin(name: str) -> PluginRow:
    require("admin.plugins.manage")
    plugin = selectors.plugin_row(name)
    if plugin is None:
        raise Http404(_("No plugin called %(name)s is installed.") % {"name": name})
    return plugin
