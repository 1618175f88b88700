"""The parts of the reference that are taken from the code: settings, errors, endpoints, commands.

``python -m tests.docs --write`` writes them into the documents; a test compares.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from argparse import ArgumentParser, _HelpAction, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

import django_jazzauth
from django_jazzauth import conf
from django_jazzauth.errors import JazzAuthError

from ..compatibility import page as compatibility
from .documents import DOCS, ROOT

REFERENCE = DOCS / "reference"
PACKAGE = ROOT / "django_jazzauth"
_ATTRIBUTE = re.compile(r"^    (?P<names>[A-Z_]+(?:,\s+[A-Z_]+)*):\s", re.MULTILINE)
_KINDS = {
    "StrType": "text",
    "IntType": "number",
    "FloatType": "number",
    "BoolType": "yes or no",
    "NoneType": "`None`",
}


def import_all() -> None:
    """Import every module, so that every class is known."""
    for module in pkgutil.walk_packages(django_jazzauth.__path__, "django_jazzauth."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)


def cell(text: str) -> str:
    """Text that fits a cell of a table."""
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


def paragraph(docstring: str | None) -> str:
    """The first paragraph of a docstring."""
    return cell(inspect.cleandoc(docstring or "").partition("\n\n")[0])


# -- settings ---------------------------------------------------------------------------------


def groups(group: Any = conf.Settings, path: str = conf.NAME) -> Iterator[tuple[str, Any]]:
    """Every group of settings with its place, ``JAZZAUTH["JWT"]``."""
    yield path, group
    for field in msgspec.structs.fields(group):
        if isinstance(field.default, msgspec.Struct):
            yield from groups(type(field.default), f'{path}["{field.name}"]')


def descriptions(group: Any) -> dict[str, str]:
    """What the docstring of a group says of each key."""
    _, _, listed = inspect.cleandoc(group.__doc__ or "").partition("Attributes:\n")
    matches = list(_ATTRIBUTE.finditer(listed))
    ends = [*(match.start() for match in matches[1:]), len(listed)]
    found = {}
    for match, end in zip(matches, ends, strict=False):
        text = cell(textwrap.dedent(listed[match.end() : end]))
        for name in re.findall("[A-Z_]+", match["names"]):
            found[name] = text
    return found


def kind(hint: Any) -> str:
    """A type in words."""
    return _kind(msgspec.inspect.type_info(hint))


def _kind(info: Any) -> str:
    if isinstance(info, msgspec.inspect.LiteralType):
        return " or ".join(f"`{value}`" for value in sorted(info.values, key=str))
    if isinstance(info, msgspec.inspect.VarTupleType):
        return f"list of {_kind(info.item_type)}"
    if isinstance(info, msgspec.inspect.DictType):
        return "dict"
    if isinstance(info, msgspec.inspect.UnionType):
        return " or ".join(_kind(part) for part in info.types)
    return _KINDS.get(type(info).__name__, type(info).__name__)


def default(field: Any) -> str:
    """The default of a setting, as it is written in Python."""
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{field.default_factory()!r}`"
    if field.default is msgspec.NODEFAULT:
        return "derived"
    return f"`{list(field.default)!r}`" if field.default == () else f"`{field.default!r}`"


def settings() -> list[str]:
    """A table per group."""
    lines: list[str] = []
    for path, group in groups():
        described = descriptions(group)
        lines += [f"### `{path}`", ""] if path != conf.NAME else []
        summary = paragraph(group.__doc__).rstrip(".").partition(": ")[2]
        lines += [summary[:1].upper() + summary[1:] + ".", ""] if summary else []
        lines += ["| Key | Takes | Default | |", "|---|---|---|---|"]
        for field in msgspec.structs.fields(group):
            if isinstance(field.default, msgspec.Struct):
                key = re.sub(r"\W+", "", f"{path}{field.name}").lower()
                lines.append(f"| `{field.name}` | dict | | see [below](#{key}) |")
                continue
            text = described.get(field.name, "")
            takes = kind(field.type)
            lines.append(f"| `{field.name}` | {takes} | {default(field)} | {text} |")
        lines.append("")
    return lines[:-1]


# -- errors -----------------------------------------------------------------------------------


def error_classes(base: type = JazzAuthError) -> Iterator[type]:
    """The package's exceptions, in the order of their modules."""
    for cls in base.__subclasses__():
        if cls.__module__.startswith("django_jazzauth"):
            yield cls
        yield from error_classes(cls)


def errors() -> list[str]:
    """A table of every exception with its code."""
    import_all()
    lines = ["| Code | Exception | |", "|---|---|---|"]
    known = sorted({*error_classes()}, key=lambda cls: (cls.__module__, cls.__name__))
    for cls in known:
        code = cls.code  # type: ignore[attr-defined]
        lines.append(f"| `{code}` | `{cls.__module__}.{cls.__name__}` | {paragraph(cls.__doc__)} |")
    return lines


def api_errors() -> list[str]:
    """A table of the codes that the API answers with."""
    from django_jazzauth.api.errors import MESSAGES
    from django_jazzauth.api.plugins import installed

    owners = {
        code: plugin.name for plugin in installed().plugins for code in sorted(plugin.messages)
    }
    texts = installed().messages | MESSAGES
    lines = ["| `code` | `message` | Plugin |", "|---|---|---|"]
    return lines + [
        f"| `{code}` | {cell(text)} | {owners.get(code, '')} |"
        for code, text in sorted(texts.items())
    ]


# -- system checks ----------------------------------------------------------------------------


def check_hints() -> dict[str, str]:
    """Id of every check to its hint, with an ellipsis for what depends on the project."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(ROOT).with_suffix("").parts
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            id_ = getattr(given.get("id"), "value", None)
            if isinstance(id_, str) and id_.startswith("jazzauth."):
                names = vars(importlib.import_module(".".join(place)))
                found[id_] = _literal(given.get("hint"), names)
    return dict(sorted(found.items()))


def _literal(node: ast.expr | None, names: dict[str, Any]) -> str:
    """A text of the source, with the module's constants filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_literal(part, names) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _literal(node.value, names)
    if isinstance(node, ast.Name):
        return str(names.get(node.id, "…"))
    return str(node.value) if isinstance(node, ast.Constant) else "…"


def check_texts() -> dict[str, str]:
    """What the docstrings of the modules of checks say of each id."""
    from django_jazzauth import checks as of_projects
    from django_jazzauth import relay_checks as of_relay
    from django_jazzauth.api import plugin_checks as of_plugins
    from django_jazzauth.api import setting_checks as of_api
    from django_jazzauth.contrib.jwt import checks as of_jwt
    from django_jazzauth.contrib.open_api import checks as of_open_api
    from django_jazzauth.sealed import checks as of_models

    return {
        id_: text
        for module in (of_projects, of_api, of_plugins, of_jwt, of_models, of_open_api, of_relay)
        for id_, text in re.findall(r"^``(jazzauth\.\w+)``\s+(.+)$", module.__doc__ or "", re.M)
    }


def checks() -> list[str]:
    """A table of every check."""
    texts = check_texts()
    lines = ["| Id | | What to do |", "|---|---|---|"]
    for id_, hint in check_hints().items():
        text = texts.get(id_, "")
        text = re.sub(r" \(see ``fields``\)", "", text)
        lines.append(f"| `{id_}` | {cell(text[:1].upper() + text[1:])} | {cell(hint)} |")
    return lines


# -- endpoints and commands -------------------------------------------------------------------


def endpoints() -> list[str]:
    """A table of the API's paths."""
    from django_jazzauth.urls import urlpatterns

    (table,) = urlpatterns

    lines = ["| Path | Methods | |", "|---|---|---|"]
    for pattern in table.url_patterns:
        view = getattr(pattern.callback, "view_class", None)
        if view is None:
            continue
        methods = [m.upper() for m in ("get", "post") if hasattr(view, m)]
        path = cell(str(pattern.pattern))
        lines.append(f"| `/{path}` | {', '.join(methods)} | {paragraph(view.__doc__)} |")
    return lines


def plugins() -> list[str]:
    """A table of the installed plugins with what they add."""
    from django_jazzauth.api.plugins import installed

    lines = [
        "| App | Name | Paths | Members | Settings |",
        "|---|---|---|---|---|",
    ]
    for plugin in installed().plugins:
        app = type(plugin).__module__.removesuffix(".plugin")
        key = app.rpartition(".")[2].upper()
        # The core has settings named JWT, for tokens that it gives out without the plugin.
        configured = key != "JWT" and key in conf.Settings.__struct_fields__
        columns = [
            [f"/{pattern.pattern}" for pattern in plugin.urlpatterns],
            [*plugin.user_members, *plugin.session_members],
            [f'{conf.NAME}["{key}"]'] if configured else [],
        ]
        cells = (", ".join(f"`{item}`" for item in column) for column in columns)
        lines.append(f"| `{app}` | `{plugin.name}` | {' | '.join(cells)} |")
    return lines


def authentication() -> list[str]:
    """A table of the classes for DRF views."""
    from django_jazzauth.api import authentication as package

    lines = ["| `django_jazzauth.api.authentication` | |", "|---|---|"]
    for name in package.__all__:
        described = getattr(package, name)
        if inspect.isclass(described):
            lines.append(f"| `{name}` | {paragraph(described.__doc__)} |")
    return lines


def commands() -> list[str]:
    """A section per subcommand with its arguments."""
    from django_jazzauth.management.subcommands import SUBCOMMANDS

    lines: list[str] = []
    for name, subcommand in SUBCOMMANDS.items():
        parser = ArgumentParser(add_help=False)
        subcommand.add_arguments(parser)
        lines += [f"## `jazzauth {name}`", "", paragraph(subcommand.__doc__), ""]
        lines += _arguments(parser)
        for action in parser._actions:
            if isinstance(action, _SubParsersAction):
                helps = {choice.dest: choice.help for choice in action._choices_actions}
                for child, nested in action.choices.items():
                    lines += [f"### `jazzauth {name} {child}`", "", cell(helps[child] or ""), ""]
                    lines += _arguments(nested)
    return lines[:-1]


def _arguments(parser: ArgumentParser) -> list[str]:
    rows = [
        f"| `{', '.join(action.option_strings) or action.dest}` | {cell(action.help or '')} |"
        for action in parser._actions
        if not isinstance(action, _HelpAction | _SubParsersAction)
    ]
    return ["| Argument | |", "|---|---|", *rows, ""] if rows else []


PARTS: dict[Path, dict[str, Any]] = {
    REFERENCE / "settings.md": {"settings": settings},
    REFERENCE / "checks.md": {"checks": checks},
    REFERENCE / "errors.md": {"errors": errors, "api errors": api_errors},
    REFERENCE / "http.md": {"endpoints": endpoints, "authentication": authentication},
    REFERENCE / "plugins.md": {"plugins": plugins},
    REFERENCE / "commands.md": {"commands": commands},
    DOCS / "compatibility.md": {
        "replayed": compatibility.replayed,
        "unmatched": compatibility.unmatched,
    },
}


def replaced(document: str, parts: dict[str, list[str]]) -> str:
    """The document with the text between its marks replaced.

    Raises:
        ValueError: a mark is missing.
    """
    for name, lines in parts.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, found, rest = document.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"There is no place for {name}.")
        document = "\n".join([f"{before}{begin}", "", *lines, "", f"{end}{after}"])
    return document


def made(page: Path) -> str:
    """What the page should be."""
    return replaced(page.read_text(), {name: make() for name, make in PARTS[page].items()})
