"""The table of templates: which edits are tried, on which nodes, and how promising each kind is.

Priors are relative to each other, 0…1; they follow how often each kind of one-place bug is reported and how few
edits the template makes a node (a template with many edits a node is worth less for each of them).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from llm.fixers.python_search import calls, classes, constants, literals, operators, values
from llm.fixers.python_search import insertions as put
from llm.fixers.python_search import statements as stmt
from llm.fixers.python_search.edits import Edit
from llm.fixers.python_search.site import Site

_LOOSE = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp)
_SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.Break, ast.Continue, ast.Raise)
_ANY = (*_SIMPLE, ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Assert)
_GATHERED = (ast.Call, ast.ListComp, ast.SetComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of edit."""

    name: str
    prior: float
    nodes: tuple[type[ast.AST], ...]
    edits: Callable[[Site, Any], Iterator[Edit]]


TEMPLATES = (
    Template("swap a comparison", 1.00, (ast.Compare,), operators.swap_comparison),
    Template("swap an operator", 0.95, (ast.BinOp,), operators.swap_operator),
    Template("swap and/or", 0.95, (ast.BoolOp,), operators.swap_boolean),
    Template("swap operands", 0.75, (ast.BinOp,), operators.swap_operands),
    Template("regroup operands", 0.60, (ast.BinOp,), operators.regroup),
    Template("drop an operand", 0.70, (ast.BinOp, ast.BoolOp), operators.drop_operand),
    Template("negate a condition", 0.85, (ast.If, ast.While, ast.IfExp, ast.Return, ast.BoolOp), operators.negate),
    Template("drop a sign or not", 0.85, (ast.UnaryOp,), operators.strip_unary),
    Template("one more or less", 0.85, _LOOSE, values.off_by_one),
    Template("change a constant", 0.90, (ast.Constant,), constants.change_constant),
    Template("change a string", 0.55, (ast.Constant,), constants.change_string),
    Template("use another name", 0.80, (ast.Name,), values.change_name),
    Template("use another attribute", 0.70, (ast.Attribute,), values.change_attribute),
    Template("use a sibling function", 0.85, (ast.Name, ast.Attribute), calls.swap_sibling),
    Template("swap arguments", 0.80, (ast.Call,), calls.swap_arguments),
    Template("change the arguments", 0.35, (ast.Call,), calls.change_arguments),
    Template("sort otherwise", 0.60, (ast.Call,), calls.change_sort),
    Template("take a call away", 0.60, (ast.Call,), calls.unwrap),
    Template("wrap in a call", 0.45, (*_LOOSE, ast.ListComp), calls.wrap),
    Template("append a call", 0.35, (*_LOOSE, ast.ListComp), calls.append_call),
    Template("change a slice or index", 0.60, (ast.Subscript,), calls.change_slice),
    Template("swap the branches", 0.70, (ast.IfExp,), values.swap_branches),
    Template("swap elements", 0.50, (ast.Tuple, ast.List), values.swap_elements),
    Template("extend a condition", 0.30, (ast.If, ast.While, ast.Return), operators.extend_condition),
    Template("add an operand", 0.25, _LOOSE, values.add_operand),
    Template("borrow an expression", 0.35, _LOOSE, values.borrow_expression),
    Template("a name for an expression", 0.35, (ast.Call, ast.Attribute, ast.Subscript), values.name_instead),
    Template("keep what there was", 0.40, (ast.ListComp,), values.add_list),
    Template("change what is returned", 0.60, (ast.Return,), stmt.change_return),
    Template("insert a guard", 0.45, _ANY, put.guard),
    Template("add a return", 0.70, (ast.FunctionDef, ast.AsyncFunctionDef), put.add_return),
    Template("change an assignment", 0.70, (ast.Assign, ast.AugAssign), stmt.change_assignment),
    Template("change a jump", 0.80, (ast.Break, ast.Continue), stmt.change_jump),
    Template("change a branch", 0.45, (ast.If, ast.While), stmt.change_branch),
    Template("make it an else", 0.40, (ast.If,), stmt.insert_else),
    Template("delete a statement", 0.55, _ANY, stmt.delete),
    Template("swap two statements", 0.40, _ANY, stmt.swap_with_next),
    Template("move out of a block", 0.70, _SIMPLE, stmt.move_out),
    Template("move into a block", 0.60, _SIMPLE, stmt.move_in),
    Template("repeat a statement", 0.20, _SIMPLE, put.duplicate),
    Template("insert a step", 0.25, _SIMPLE, put.insert_step),
    Template("the same call on both sides", 0.45, (ast.Compare,), operators.wrap_both),
    Template("one more bound", 0.30, (ast.Compare,), operators.chain),
    Template("store to another name", 0.60, (ast.Assign, ast.AugAssign), values.change_target),
    Template("keep the best", 0.45, (ast.Assign,), values.keep_best),
    Template("change a list", 0.50, (ast.List,), values.change_list),
    Template("another exception", 0.55, (ast.Name,), values.change_exception),
    Template("change everywhere", 0.60, (ast.FunctionDef, ast.AsyncFunctionDef), constants.change_everywhere),
    Template("cut", 0.40, (*_LOOSE, ast.ListComp), calls.cut),
    Template("a call for an index", 0.40, (ast.Subscript,), calls.call_for_index),
    Template("change a range", 0.70, (ast.Call,), calls.change_range),
    Template("fill a collection", 0.70, (*_SIMPLE, ast.If, ast.For, ast.While), put.insert_call),
    Template("insert an assignment", 0.20, _SIMPLE, put.insert_assignment),
    Template("only under a condition", 0.30, _SIMPLE, put.only_if),
    Template("insert an else", 0.30, (ast.If,), put.else_nothing),
    Template("clamp", 0.40, (ast.BinOp,), values.clamp),
    Template("one more type", 0.45, (ast.Call,), calls.more_types),
    Template("make it an f-string", 0.90, (ast.Constant,), literals.make_fstring),
    Template("change a pattern", 0.60, (ast.Constant,), literals.change_pattern),
    Template("one more alternative", 0.90, (ast.Constant,), literals.add_alternative),
    Template("one more row", 0.90, (ast.List, ast.Tuple), literals.add_row),
    Template("one more registration", 0.90, (ast.Expr,), literals.add_registration),
    Template("one more element", 0.90, (ast.List, ast.Set, ast.Tuple, ast.Dict), literals.add_element),
    Template("leave out what is not there", 0.30, _GATHERED, calls.leave_out),
    Template("hand on a special method", 0.90, (ast.ClassDef,), classes.hand_on),
    Template("mutable default", 0.80, (ast.FunctionDef,), stmt.change_default),
)
