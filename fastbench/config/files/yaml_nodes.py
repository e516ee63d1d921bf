"""YAML configs: the nodes of PyYAML, which know their lines, → values by the core schema of YAML 1.2."""

from collections.abc import Iterator
from typing import Any, NoReturn

import yaml  # type: ignore[import-untyped]  # it has no types

from fastbench.config.fields.check import join
from fastbench.config.files.documents import DEEPEST, OWN, Environment, scalar_of
from fastbench.errors import ConfigError
from fastbench.secrets import KNOWN

_MOST = 1_000_000
_STR = "tag:yaml.org,2002:str"
_TAGS = (_STR, "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")


def parse_yaml(text: str, file: str, environment: Environment) -> tuple[dict[str, Any], dict[str, int]]:
    """The settings in `text`, and the line of each by its path. Raises ConfigError with the line that is wrong."""
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = "; ".join(filter(None, (error.context, error.problem)))
        raise ConfigError(
            KNOWN.hide(f"{file}, line {mark.line + 1 if mark else 1}: {told}; the config must be YAML")
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(KNOWN.hide(f"{file}: {' '.join(str(error).split())}; the config must be YAML")) from None
    except RecursionError:
        raise ConfigError(f"{file}: the config nests more than {DEEPEST} deep; flatten it") from None
    if root is None or not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{file}: the config must be a mapping of settings, such as models and datasets")
    reader = _Nodes(file, environment)
    return reader.value(root, ""), reader.lines


class _Nodes:
    """Nodes of PyYAML → values."""

    def __init__(self, file: str, environment: Environment) -> None:
        self._file = file
        self._environment = environment
        self._count = 0
        self.lines: dict[str, int] = {}
        """Path: line, from 1."""

    def value(self, node: Any, path: str, depth: int = 0) -> Any:
        # Aliases of aliases make some lines into more than any memory holds.
        self._count += 1
        if self._count > _MOST:
            self._refuse(node, f"{path} makes more than {_MOST} values in all; use fewer aliases")
        if node.tag not in _TAGS:
            self._refuse(node, f"{path} has the tag {node.tag}; leave it out")
        if isinstance(node, yaml.ScalarNode):
            typed = scalar_of if node.style is None else str
            if "${" in node.value:
                return self._environment.replace(node.value, path, node.start_mark.line + 1, typed)
            return typed(node.value)
        if isinstance(node, yaml.SequenceNode):
            values = []
            for index, item in enumerate(node.value):
                place = f"{path}[{index}]"
                self.lines[place] = item.start_mark.line + 1
                values.append(self.value(item, place, self._deeper(node, path, depth)))
            return values
        return self._mapping(node, path, depth)

    def _mapping(self, node: Any, path: str, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        below = self._deeper(node, path, depth)
        for key, item in node.value:
            name = key.value
            if not isinstance(name, str):
                self._refuse(key, f"{path} has a key that is no text; write a name")
            place = join(path, name)
            if not path and name.startswith(OWN):
                continue
            if name in values:
                self._refuse(key, f"{place} stands twice; leave one of them out")
            if name == "<<" and key.style is None:
                for base in self._bases(item, place):
                    merged = {**self._mapping(base, path, below), **merged}
                continue
            self.lines[place] = key.start_mark.line + 1
            values[name] = self.value(item, place, below)
        return {**merged, **values}

    def _deeper(self, node: Any, path: str, depth: int) -> int:
        # A document may refer to itself; it would never end.
        if depth == DEEPEST:
            self._refuse(node, f"{path.split('.')[0]} nests more than {DEEPEST} deep; flatten it")
        return depth + 1

    def _bases(self, node: Any, place: str) -> Iterator[Any]:
        """The mappings that `<<` takes in."""
        for base in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(base, yaml.MappingNode):
                self._refuse(base, f"{place} must be a mapping, or a list of them")
            yield base

    def _refuse(self, node: Any, sentence: str) -> NoReturn:
        raise ConfigError(f"{self._file}, line {node.start_mark.line + 1}: {sentence}")


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Quotes what `scalar_of` would not read as text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: _Dumper, text: str) -> Any:
    return dumper.represent_scalar(_STR, text, style=None if scalar_of(text) == text else '"')


_Dumper.add_representer(str, _text_node)


def yaml_of(settings: dict[str, Any]) -> str:
    """YAML that `parse_yaml` reads as `settings`."""
    text: str = yaml.dump(settings, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text
