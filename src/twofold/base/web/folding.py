"""Templates compiled for one language: what is the same on every page is worked out once, when a template is compiled.

Texts are translated, settings and addresses are filled in, and macros with constant arguments are called. What is left
are long constant strings and the parts that differ. The pages are the same, byte for byte, at a third of the time.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from gettext import NullTranslations
from itertools import chain
from typing import Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.nodes import EvalContext, Impossible
from jinja2.runtime import Context, Macro, markup_join
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

PAGE = "page"  # the global through which macros see the page that they are used on
_GETTEXT = ("_", "gettext")
_METHODS = frozenset(dir(dict))
_PLACE = re.compile(r"%\((\w+)\)s")


class _Context(Context):
    """Calls macros directly; Jinja looks at every callable in seven ways first."""

    def call(self, called: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Jinja's signature
        if type(called) is not Macro:
            return super().call(called, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return called(*args, **kwargs)


class FoldingEnvironment(Environment):
    """The templates in one language. `constants` are globals that never change, `pure` functions of arguments alone.

    `modules` are the imported templates, each run once, and `independent` their macros that depend on arguments alone.
    """

    context_class = _Context

    def __init__(
        self,
        spoken: NullTranslations,
        *,
        constants: Mapping[str, object],
        pure: Mapping[str, Callable[..., object]],
        **options: Any,  # noqa: ANN401 - Jinja's own
    ) -> None:
        """Create an environment with Jinja's options."""
        super().__init__(extensions=["jinja2.ext.i18n"], **options)
        self.install_gettext_callables(spoken.gettext, spoken.ngettext, newstyle=True)  # type: ignore[attr-defined]  # added by the extension
        self.translate = spoken.gettext
        self.constants, self.pure = constants, pure
        self.globals |= {**constants, **pure}
        self.modules = _Modules(self)
        self.independent: dict[str, dict[str, Callable[..., str]]] = {}

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - Jinja's signature
        """Return an attribute or item; without the exception that Jinja catches before it finds a dictionary's item."""
        if type(obj) is dict and attribute in obj and attribute not in _METHODS:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def independent_macros(self, template: str) -> dict[str, Callable[..., str]]:
        """Import a template, and return its macros whose result depends on their arguments alone."""
        if template not in self.independent:
            self.independent[template] = self._independent(template, self.modules[template])
        return self.independent[template]

    def _independent(self, template: str, module: TemplateModule) -> dict[str, Callable[..., str]]:
        assert self.loader is not None  # noqa: S101 - every environment of ours has one
        tree = self.parse(self.loader.get_source(self, template)[0])
        imported = {each.target for each in tree.find_all(nodes.Import)}
        used = {macro.name: _names_in(macro) for macro in tree.find_all(nodes.Macro)}
        dependent = {PAGE, "caller"} | imported
        while more := {name for name, names in used.items() if names & dependent} - dependent:
            dependent |= more
        return {name: getattr(module, name) for name in used if name not in dependent}


class _Modules(dict[str, TemplateModule]):
    """The imported templates, each run at its first import: the importing template may come from a cache."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment

    def __missing__(self, template: str) -> TemplateModule:
        module = self[template] = self._environment.get_template(template).module
        return module


class _Folding(CodeGenerator):
    """Folds a template before its code is generated."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802 - Jinja's name
        assert isinstance(self.environment, FoldingEnvironment)  # noqa: S101 - which names this class below
        imports = tuple(node.find_all(nodes.Import))
        self._imported = {each.target for each in imports}
        self._macros = {each.name for each in node.find_all(nodes.Macro)} | {"caller"}
        super().visit_Template(_Folder(self.environment, imports).visit(node), frame)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:  # noqa: ANN401 - Jinja's own
        if not self._is_markup(node):
            super()._output_child_pre(node, frame, finalize)

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:  # noqa: ANN401 - Jinja's own
        if not self._is_markup(node):
            super()._output_child_post(node, frame, finalize)

    def _is_markup(self, node: nodes.Expr) -> bool:
        """Return whether an expression is the call of a macro, whose result need not be escaped."""
        called = node.node if isinstance(node, nodes.Call) else None
        if isinstance(called, nodes.Getattr) and isinstance(called.node, nodes.Name):
            return called.node.name in self._imported
        return isinstance(called, nodes.Name) and called.name in self._macros


FoldingEnvironment.code_generator_class = _Folding


class _Folder(NodeTransformer):
    """Replaces expressions that are the same on every page by their values."""

    def __init__(self, environment: FoldingEnvironment, imports: Iterable[nodes.Import]) -> None:
        self._environment = environment
        self._eval = EvalContext(environment)
        self._macros = {
            each.target: environment.independent_macros(each.template.value)
            for each in imports
            if isinstance(each.template, nodes.Const) and not each.with_context
        }

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:  # noqa: ANN401 - Jinja's signature
        """Fold what a node consists of, and join neighbouring outputs."""
        node = super().generic_visit(node, *args, **kwargs)
        for _, value in node.iter_fields():
            if isinstance(value, list):
                value[:] = _joined(value)
        return node

    def visit_Import(self, node: nodes.Import) -> nodes.Stmt:  # noqa: N802 - Jinja's name
        """Refer to a template that was imported when this one was compiled."""
        if node.target not in self._macros:
            return node
        module = nodes.Getitem(nodes.EnvironmentAttribute("modules"), node.template, "load")
        return nodes.Assign(nodes.Name(node.target, "store"), module, lineno=node.lineno)

    def visit_Name(self, node: nodes.Name) -> nodes.Expr:  # noqa: N802 - Jinja's name
        """Replace a global that never changes."""
        if node.ctx != "load" or node.name not in self._environment.constants:
            return node
        return nodes.Const(self._environment.constants[node.name], lineno=node.lineno)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802 - Jinja's name
        """Join constant parts. Jinja would do so, but lose that a part is markup."""
        self.generic_visit(node)
        return self._value_of(node, lambda: markup_join(self._constants(node.nodes)))

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:  # noqa: N802 - Jinja's name
        """Translate a text, or call a function that depends on nothing but its constant arguments."""
        self.generic_visit(node)
        if node.dyn_args or node.dyn_kwargs:
            return node
        if isinstance(node.node, nodes.Name) and node.node.name in _GETTEXT:
            return self._translated(node)
        function = self._function(node.node)
        if function is None:
            return node
        named = {each.key: each.value for each in node.kwargs}
        return self._value_of(
            node,
            lambda: function(
                *self._constants(node.args), **dict(zip(named, self._constants(named.values()), strict=True))
            ),
        )

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802 - Jinja's name
        """Write the parts of a joined text one after another."""
        self.generic_visit(node)
        parts = (each.nodes if isinstance(each, nodes.Concat) else [each] for each in node.nodes)
        node.nodes = [*chain.from_iterable(parts)]
        return node

    def _function(self, node: nodes.Expr) -> Callable[..., object] | None:
        if isinstance(node, nodes.Name):
            return self._environment.pure.get(node.name)
        if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
            return self._macros.get(node.node.name, {}).get(node.attr)
        return None

    def _translated(self, node: nodes.Call) -> nodes.Expr:
        text = node.args[0] if len(node.args) == 1 else None
        if not isinstance(text, nodes.Const):
            return node
        values = {each.key: each.value for each in node.kwargs}
        pieces = _PLACE.split(self._environment.translate(text.value))
        if any("%" in piece.replace("%%", "") for piece in pieces[::2]) or not values.keys() >= {*pieces[1::2]}:
            return node  # a fault that is reported when the page is shown
        parts = [
            values[piece] if place % 2 else nodes.Const(Markup(piece.replace("%%", "%")), lineno=node.lineno)  # noqa: S704 - our own text
            for place, piece in enumerate(pieces)
        ]
        return self.visit_Concat(nodes.Concat(parts, lineno=node.lineno)) if values else parts[0]

    def _value_of(self, node: nodes.Expr, value: Callable[[], object]) -> nodes.Expr:
        try:
            return nodes.Const(value(), lineno=node.lineno)
        except Impossible:
            return node

    def _constants(self, expressions: Iterable[nodes.Expr]) -> list[Any]:
        return [each.as_const(self._eval) for each in expressions]


def _names_in(macro: nodes.Macro) -> set[str]:
    return {name.name for name in macro.find_all(nodes.Name) if name.ctx == "load"}


def _joined(children: Sequence[Any]) -> Iterator[Any]:
    """Yield the children of a node; neighbouring outputs become one, so that their constant parts become one string."""
    last: nodes.Output | None = None
    for child in children:
        if isinstance(child, nodes.Output) and last is not None:
            last.nodes = [*last.nodes, *child.nodes]
        else:
            last = child if isinstance(child, nodes.Output) else None
            yield child
