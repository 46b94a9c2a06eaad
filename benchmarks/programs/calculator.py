"""Tokenises arithmetic expressions and evaluates them with two stacks."""

from __future__ import annotations


def tokens_of(text):
    tokens = []
    number = ""
    for ch in text:
        if ch.isdigit():
            number += ch
        else:
            if number:
                tokens.append(number)
                number = ""
            if ch != " ":
                tokens.append(ch)
    if number:
        tokens.append(number)
    return tokens


def precedence(operator):
    if operator in ("+", "-"):
        return 1
    if operator in ("*", "/"):
        return 2
    return 0


def apply_top(numbers, operators):
    operation = operators.pop()
    second = numbers.pop()
    before = numbers.pop()
    if operation == "+":
        numbers.append(before + second)
    elif operation == "-":
        numbers.append(before - second)
    elif operation == "*":
        numbers.append(before * second)
    else:
        numbers.append(before // second if before % second == 0 else before / second)


def calculate(text):
    numbers = []
    operators = []
    for token in tokens_of(text):
        if token.isdigit():
            numbers.append(int(token))
        elif token == "(":
            operators.append(token)
        elif token == ")":
            while operators[-1] != "(":
                apply_top(numbers, operators)
            operators.pop()
        else:
            while operators and precedence(operators[-1]) >= precedence(token):
                apply_top(numbers, operators)
            operators.append(token)
    while operators:
        apply_top(numbers, operators)
    return numbers[0]


EXPRESSIONS = [
    "1 + 2 * 3",
    "(1 + 2) * 3",
    "100 / (2 + 3) - 7",
    "2 * (3 + 4) * (5 + 6) - 1",
    "((12 + 30) / 6 + 1) * (8 - 3)",
    "1 + 2 + 3 + 4 + 5 * 6 * 7 - 8",
]
REPETITIONS = 240
answers = {}
for _ in range(REPETITIONS):
    for expression in EXPRESSIONS:
        answers[expression] = calculate(expression)
for expression in EXPRESSIONS:
    print(f"{expression} = {answers[expression]}")
