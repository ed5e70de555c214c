"""The Flask side of the slices' manifests: routes, socket events, commands."""

from __future__ import annotations

from importlib import import_module

from flask import Blueprint, Flask

from app.core.slices import SliceConflict, SliceManifest, SliceRegistry, import_named


def install_slice_routes(app: Flask, registry: SliceRegistry) -> None:
    """Registers every slice's blueprint, and imports its modules of routes and socket events.

    Raises ``SliceConflict`` when two slices use one blueprint name or one address, or when a
    message or a link leads to a page that is not there.
    """
    for manifest in registry.manifests:
        for module in manifest.routes:
            import_module(module)
        if manifest.blueprint:
            _register_blueprint(app, manifest)
    import_socket_events(registry)
    _check_addresses(app, registry)
    _check_navigation(app, registry)


def import_socket_events(registry: SliceRegistry) -> None:
    """Fills ``web.sockets.SOCKET_EVENTS`` with the events of every slice."""
    for manifest in registry.manifests:
        for module in manifest.sockets:
            import_module(module)


def run_web_setup(app: Flask, registry: SliceRegistry) -> None:
    """Calls what the slices do once routes and socket events are bound; adds their commands."""
    for manifest in registry.manifests:
        for path in manifest.web_setup:
            import_named(path)(app)
        for path in manifest.commands:
            app.cli.add_command(import_named(path))


def _register_blueprint(app: Flask, manifest: SliceManifest) -> None:
    blueprint: Blueprint = import_named(manifest.blueprint)
    if blueprint.name in app.blueprints:
        raise SliceConflict(
            f"The slice {manifest.name} claims the blueprint {blueprint.name!r}, which another"
            " slice has. Rename it."
        )
    app.register_blueprint(blueprint)


def _check_addresses(app: Flask, registry: SliceRegistry) -> None:
    for endpoint, address in registry.addresses.items():
        rules = [
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.endpoint == endpoint and "GET" in (rule.methods or ())
        ]
        if address not in rules:
            raise SliceConflict(
                f"A manifest says that {endpoint} is at {address}, but its route is at"
                f" {' and '.join(rules) or 'no address'}."
            )


def _check_navigation(app: Flask, registry: SliceRegistry) -> None:
    for links in registry.navigation_by_role.values():
        for link in links:
            if link.endpoint not in app.view_functions:
                raise SliceConflict(
                    f"The link {link.label!r} leads to {link.endpoint}, which no slice serves."
                )
