"""A C++ tokenizer that is just good enough for the rules of tidy.py.

Comments and literals vanish, preprocessor lines are set apart, and brackets become a tree in which
each pair of braces is known to be a block or an initialiser.
"""

import re
from dataclasses import dataclass, field


@dataclass
class Token:
    text: str
    line: int


@dataclass
class Group:
    """A bracketed part of the source. `kind` is one of ( [ { for brackets and B for a block."""

    kind: str
    line: int
    items: list = field(default_factory=list)
    lambda_intro: bool = False  # only for [


@dataclass
class Include:
    path: str
    quoted: bool
    line: int


@dataclass
class Source:
    """What one file consists of."""

    items: list = field(default_factory=list)
    includes: list = field(default_factory=list)
    directives: list = field(default_factory=list)  # of Token
    comments: list = field(default_factory=list)  # of Token, one a line
    raw_string_lines: set = field(default_factory=set)
    first_code_line: int = 0  # of the first token or directive


_SCANNER = re.compile(
    r"""
    (?P<newline>\n)
  | (?P<blank>[ \t\r\f\v]+|\\\n)
  | (?P<line_comment>//(?:\\\n|[^\n])*)
  | (?P<block_comment>/\*.*?\*/)
  | (?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")
  | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
  | (?P<char>(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
  | (?P<number>\.?\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<punct>\.\.\.|->\*|->|::|<=>|<<=|==|!=|<=|>=|&&|\|\||\+\+|--|[-+*/%&|^]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"[ \t]*#(?:\\\n|/\*.*?\*/|[^\n])*", re.DOTALL)
_INCLUDE = re.compile(r'#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')

_CLOSING = {"(": ")", "[": "]", "{": "}"}


def scan(text):
    """The tokens of a file, and in the Source what is no token."""
    source = Source()
    tokens = []
    position, line, at_line_start = 0, 1, True
    while position < len(text):
        if at_line_start and (match := _DIRECTIVE.match(text, position)):
            directive = match.group().strip()
            source.directives.append(Token(directive, line))
            source.first_code_line = source.first_code_line or line
            if include := _INCLUDE.match(directive):
                quoted = include.group(1) is not None
                source.includes.append(Include(include.group(1) or include.group(2), quoted, line))
            line += match.group().count("\n")
            position = match.end()
            at_line_start = False
            continue
        match = _SCANNER.match(text, position)
        kind, piece = match.lastgroup, match.group()
        if kind == "delimiter":
            kind = "raw"
        at_line_start = kind == "newline" or (at_line_start and kind == "blank")
        if kind in ("line_comment", "block_comment"):
            for offset, part in enumerate(piece.split("\n")):
                source.comments.append(Token(part, line + offset))
        elif kind == "raw":
            source.raw_string_lines.update(range(line, line + piece.count("\n") + 1))
            tokens.append(Token('""', line))
        elif kind in ("string", "char"):
            tokens.append(Token('""' if kind == "string" else "''", line))
        elif kind in ("number", "word", "punct"):
            tokens.append(Token(piece, line))
        if kind not in ("newline", "blank", "line_comment", "block_comment"):
            source.first_code_line = source.first_code_line or line
        line += piece.count("\n")
        position = match.end()
    return tokens, source


def parse(text):
    tokens, source = scan(text)
    source.items, _ = _parse_items(tokens, 0, None, True)
    return source


def _parse_items(tokens, position, closing, in_block):
    """Items up to `closing`; unbalanced brackets end quietly, since macros may hide one."""
    items = []
    start = 0  # of the current statement in `items`
    while position < len(tokens):
        token = tokens[position]
        if token.text == closing:
            return items, position + 1
        if token.text in _CLOSING:
            group = Group(token.text, token.line)
            is_block = token.text == "{" and _is_block(items[start:], in_block)
            group.lambda_intro = token.text == "[" and _is_lambda(items, tokens, position)
            group.items, position = _parse_items(tokens, position + 1, _CLOSING[token.text],
                                                 is_block)
            if is_block:
                group.kind = "B"
            items.append(group)
            if is_block and in_block:
                start = len(items)
            continue
        items.append(token)
        if token.text == ";":
            start = len(items)
        position += 1
    return items, position


def text_of(item):
    """The text of a token, or the kind of a group."""
    return item.text if isinstance(item, Token) else item.kind


_BLOCK_AFTER = {"else", "do", "try", "const", "noexcept", "override", "final", "mutable", "requires",
                "constexpr"}
_SCOPES = {"namespace", "class", "struct", "union", "enum", "extern"}
_NO_LAMBDA_AFTER = {")", "]", "(", "[", '""', "delete", "new", "operator", "auto"}
_EXPRESSION_WORDS = {"return", "co_return", "co_await", "co_yield", "case", "else", "do", "and",
                     "or", "not"}


def _is_lambda(items, tokens, position):
    if position + 1 < len(tokens) and tokens[position + 1].text == "[":
        return False  # an attribute
    if not items:
        return tokens[position - 1].text != "["  # else the inside of an attribute
    last = items[-1]
    if isinstance(last, Group):
        return last.kind == "B"  # else a subscript
    if last.text in ("&", "&&") and len(items) > 1 and text_of(items[-2]) == "auto":
        return False  # a structured binding
    if last.text in _EXPRESSION_WORDS:
        return True
    return last.text not in _NO_LAMBDA_AFTER and not re.match(r"\w", last.text)


def _is_block(statement, in_block):
    if not statement:
        return in_block
    last = statement[-1]
    words = [text_of(item) for item in statement]
    if isinstance(last, Group):
        if last.kind == "(" and words[-2:] == ["decltype", "("]:
            return _ends_in_trailing_return_type(words)
        if last.kind == "(":
            return True
        if last.kind == "[":
            return last.lambda_intro
        return True  # after a block, or after the initialisers of a constructor
    if last.text in _BLOCK_AFTER:
        return True
    if last.text == ":":
        return words[0] in ("case", "default") or len(words) == 2
    scopes = [index for index, word in enumerate(words) if word in _SCOPES]
    if scopes:
        head = words[scopes[-1] + 1:]
        if head[:2] == ["alignas", "("]:
            head = head[2:]
        if not {"(", "="} & set(head):
            return True
    return _ends_in_trailing_return_type(words)


_TYPE_WORD = re.compile(r"\w+$|::$|[<>,&*(\[]$|&&$|\.\.\.$")


def _ends_in_trailing_return_type(words):
    """Whether the end is `) -> Some<Type>`, so that a function body follows; or `) &&`."""
    index = len(words) - 1
    if words[index] in ("&", "&&") and index > 0 and words[index - 1] == "(":
        return True
    while index >= 0 and words[index] != "->" and _TYPE_WORD.match(words[index]):
        index -= 1
    return index > 0 and words[index] == "->" and words[index - 1] in (
        "(", "mutable", "noexcept", "const", "constexpr")
