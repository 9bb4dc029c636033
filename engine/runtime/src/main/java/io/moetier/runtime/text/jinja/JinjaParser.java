package io.moetier.runtime.text.jinja;

import io.moetier.runtime.text.jinja.JinjaLexer.Kind;
import io.moetier.runtime.text.jinja.JinjaLexer.Token;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Reads an expression of a template by the grammar of Jinja, from what binds least to what binds most.
final class JinjaParser {
    /// Operations of one expression in a row; evaluating them takes as much of the stack.
    private static final int MAX_OPERATIONS = 1_000;

    private static final Set<String> SUMS = Set.of("+", "-");
    private static final Set<String> PRODUCTS = Set.of("*", "/", "//", "%");
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> AFTER_TEST = Set.of("else", "or", "and", "is", "if", "in", "not");

    private final List<Token> tokens;
    private int position;
    private int depth;
    private int operations;

    JinjaParser(String text) {
        tokens = JinjaLexer.tokens(text);
    }

    /// Reads all of `text` as one expression, or as a tuple of several.
    static JinjaExpression parse(String text) {
        JinjaParser parser = new JinjaParser(text);
        JinjaExpression expression = parser.tuple();
        parser.end();
        return expression;
    }

    /// Says whether nothing is left.
    boolean atEnd() {
        return token().kind() == Kind.END;
    }

    /// Checks that nothing is left.
    void end() {
        if (!atEnd()) {
            throw unexpected("the end");
        }
    }

    /// Reads one expression, or several with commas as a list.
    JinjaExpression tuple() {
        JinjaExpression first = expression();
        return at(",") ? tuple(rest(first)) : first;
    }

    /// Reads what a loop goes over, behind which `if` begins a condition.
    JinjaExpression iterable() {
        JinjaExpression first = or();
        return at(",") ? tuple(rest(first)) : first;
    }

    private List<JinjaExpression> rest(JinjaExpression first) {
        List<JinjaExpression> elements = new ArrayList<>(List.of(first));
        while (skip(",") && !at(")") && token().kind() != Kind.END) {
            elements.add(expression());
        }
        return elements;
    }

    /// Reads an expression, with `… if … else …`.
    JinjaExpression expression() {
        enter();
        JinjaExpression value = or();
        while (skipName("if")) {
            count();
            JinjaExpression then = value;
            JinjaExpression condition = or();
            JinjaExpression otherwise = skipName("else") ? expression() : in -> Absent.UNDEFINED;
            value = in -> (PythonValues.isTrue(condition.value(in)) ? then : otherwise).value(in);
        }
        depth--;
        return value;
    }

    private JinjaExpression or() {
        JinjaExpression value = and();
        while (skipName("or")) {
            count();
            JinjaExpression left = value;
            JinjaExpression right = and();
            value = in -> {
                Object first = left.value(in);
                return PythonValues.isTrue(first) ? first : right.value(in);
            };
        }
        return value;
    }

    private JinjaExpression and() {
        JinjaExpression value = not();
        while (skipName("and")) {
            count();
            JinjaExpression left = value;
            JinjaExpression right = not();
            value = in -> {
                Object first = left.value(in);
                return PythonValues.isTrue(first) ? right.value(in) : first;
            };
        }
        return value;
    }

    private JinjaExpression not() {
        if (!skipName("not")) {
            return comparison();
        }
        enter();
        JinjaExpression value = not();
        depth--;
        return in -> !PythonValues.isTrue(value.value(in));
    }

    private JinjaExpression comparison() {
        JinjaExpression first = sum();
        List<JinjaComparison.Link> links = new ArrayList<>();
        for (String operator = comparisonOperator(); !operator.isEmpty(); operator = comparisonOperator()) {
            links.add(new JinjaComparison.Link(operator, sum()));
        }
        return links.isEmpty() ? first : new JinjaComparison(first, links);
    }

    /// Skips an operator that compares, and returns it; or returns an empty one.
    private String comparisonOperator() {
        Token token = token();
        boolean negated = token.is(Kind.NAME, "not") && tokens.get(position + 1).is(Kind.NAME, "in");
        if (negated) {
            position += 2;
            return "not in";
        }
        boolean compares = token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text());
        if (compares || token.is(Kind.NAME, "in")) {
            position++;
            return token.text();
        }
        return "";
    }

    private JinjaExpression sum() {
        JinjaExpression value = concatenation();
        while (atOneOf(SUMS)) {
            value = binary(next().text(), value, concatenation());
        }
        return value;
    }

    private JinjaExpression concatenation() {
        JinjaExpression value = product();
        while (skip("~")) {
            value = binary("~", value, product());
        }
        return value;
    }

    private JinjaExpression product() {
        JinjaExpression value = power();
        while (atOneOf(PRODUCTS)) {
            value = binary(next().text(), value, power());
        }
        return value;
    }

    private JinjaExpression power() {
        JinjaExpression value = unary(true);
        while (skip("**")) {
            value = binary("**", value, unary(true));
        }
        return value;
    }

    private JinjaExpression binary(String operator, JinjaExpression left, JinjaExpression right) {
        count();
        return in -> PythonOperators.apply(operator, left.value(in), right.value(in), in.budget());
    }

    private JinjaExpression unary(boolean filtered) {
        enter();
        JinjaExpression value;
        if (skip("-")) {
            JinjaExpression negated = unary(false);
            value = in -> PythonOperators.negate(negated.value(in));
        } else {
            value = skip("+") ? unary(false) : primary();
        }
        value = postfix(value);
        depth--;
        return filtered ? filters(value) : value;
    }

    private JinjaExpression primary() {
        Token token = next();
        return switch (token.kind()) {
            case NAME -> name(token.text());
            case STRING -> constant(strings(token.text()));
            case INTEGER -> constant(integer(token.text()));
            case FLOAT -> constant(Double.valueOf(token.text().replace("_", "")));
            case OPERATOR ->
                switch (token.text()) {
                    case "(" -> parentheses();
                    case "[" -> list(elements("]"));
                    case "{" -> dict();
                    default -> throw unexpected(token, "a value");
                };
            case END -> throw unexpected(token, "a value");
        };
    }

    private static JinjaExpression constant(Object value) {
        return in -> value;
    }

    private JinjaExpression name(String name) {
        return switch (name) {
            case "true", "True" -> constant(true);
            case "false", "False" -> constant(false);
            case "none", "None" -> constant(Absent.NONE);
            default -> {
                if (at("(")) {
                    next();
                    yield call(name, new JinjaCallArguments(this));
                }
                yield in -> in.variable(name);
            }
        };
    }

    private static JinjaExpression call(String name, JinjaCallArguments arguments) {
        return in -> in.function(name).call(in, arguments.values(in));
    }

    private String strings(String first) {
        StringBuilder text = new StringBuilder(first);
        while (token().kind() == Kind.STRING) {
            text.append(next().text());
        }
        return text.toString();
    }

    private static Object integer(String digits) {
        try {
            int radix = JinjaLexer.radix(digits, 0);
            return Long.valueOf(digits.substring(radix == 10 ? 0 : 2).replace("_", ""), radix);
        } catch (NumberFormatException e) {
            throw new JinjaException("an integer is beyond 64 bits");
        }
    }

    private JinjaExpression parentheses() {
        if (skip(")")) {
            return constant(PythonTuple.of());
        }
        JinjaExpression value = tuple();
        expect(")");
        return value;
    }

    /// Reads expressions with commas up to `close`, which is skipped.
    private List<JinjaExpression> elements(String close) {
        List<JinjaExpression> elements = new ArrayList<>();
        while (!skip(close)) {
            elements.add(expression());
            if (!at(close)) {
                expect(",");
            }
        }
        return elements;
    }

    private static JinjaExpression tuple(List<JinjaExpression> elements) {
        JinjaExpression list = list(elements);
        return in -> new PythonTuple(PythonValues.elements(list.value(in), in.budget()));
    }

    private static JinjaExpression list(List<JinjaExpression> elements) {
        return in -> {
            in.budget().steps(elements.size());
            List<Object> values = new ArrayList<>(elements.size());
            elements.forEach(element -> values.add(element.value(in)));
            return values;
        };
    }

    private JinjaExpression dict() {
        Map<JinjaExpression, JinjaExpression> entries = new LinkedHashMap<>();
        while (!skip("}")) {
            JinjaExpression key = expression();
            expect(":");
            entries.put(key, expression());
            if (!at("}")) {
                expect(",");
            }
        }
        return in -> {
            in.budget().steps(entries.size());
            Map<Object, Object> values = new LinkedHashMap<>();
            entries.forEach((key, value) -> values.put(PythonValues.key(values, key.value(in)), value.value(in)));
            return values;
        };
    }

    private JinjaExpression postfix(JinjaExpression start) {
        JinjaExpression value = start;
        while (true) {
            if (skip(".")) {
                value = field(value);
            } else if (skip("[")) {
                value = new JinjaSubscript(value, this).expression();
            } else if (at("(")) {
                throw unexpected("an operator or the end");
            } else {
                return value;
            }
            count();
        }
    }

    private JinjaExpression field(JinjaExpression base) {
        Token token = next();
        if (token.kind() == Kind.INTEGER) {
            Object index = integer(token.text());
            return in -> PythonValues.item(base.value(in), index, in.budget());
        }
        if (token.kind() != Kind.NAME) {
            throw unexpected(token, "a name");
        }
        String name = token.text();
        if (skip("(")) {
            JinjaCallArguments arguments = new JinjaCallArguments(this);
            return in -> in.method(base.value(in), name, arguments.values(in));
        }
        return in -> PythonValues.attribute(base.value(in), name);
    }

    /// Reads the filters and tests behind a value.
    JinjaExpression filters(JinjaExpression start) {
        JinjaExpression value = start;
        while (true) {
            if (skip("|")) {
                value = applied(JinjaFilters.named(name()), value, callArguments());
            } else if (skipName("is")) {
                value = test(value);
            } else {
                return value;
            }
            count();
        }
    }

    private JinjaExpression test(JinjaExpression value) {
        boolean negated = skipName("not");
        JinjaFunction test = JinjaTests.named(name());
        JinjaExpression result = applied(test, value, at("(") ? callArguments() : testArgument());
        return negated ? in -> !PythonValues.isTrue(result.value(in)) : result;
    }

    private static JinjaExpression applied(
            JinjaFunction function, JinjaExpression value, JinjaCallArguments arguments) {
        return in -> {
            in.budget().steps(1);
            return function.call(in, arguments.values(in).after(value.value(in)));
        };
    }

    private JinjaCallArguments callArguments() {
        return skip("(") ? new JinjaCallArguments(this) : JinjaCallArguments.none();
    }

    /// Reads the argument of a test that needs no parentheses, as in `is divisibleby 3`.
    private JinjaCallArguments testArgument() {
        Token token = token();
        boolean value = switch (token.kind()) {
            case NAME -> !AFTER_TEST.contains(token.text());
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.text().equals("[") || token.text().equals("{");
            case END -> false;
        };
        return value ? JinjaCallArguments.of(postfix(primary())) : JinjaCallArguments.none();
    }

    /// Reads a name.
    String name() {
        Token token = next();
        if (token.kind() != Kind.NAME) {
            throw unexpected(token, "a name");
        }
        return token.text();
    }

    boolean at(String operator) {
        return token().is(Kind.OPERATOR, operator);
    }

    /// Says whether `name=` comes.
    boolean atNamed() {
        return token().kind() == Kind.NAME && tokens.get(position + 1).is(Kind.OPERATOR, "=");
    }

    private boolean atOneOf(Set<String> operators) {
        return token().kind() == Kind.OPERATOR && operators.contains(token().text());
    }

    /// Skips an operator if it comes.
    boolean skip(String operator) {
        boolean comes = at(operator);
        position += comes ? 1 : 0;
        return comes;
    }

    /// Skips a keyword if it comes.
    boolean skipName(String keyword) {
        boolean comes = token().is(Kind.NAME, keyword);
        position += comes ? 1 : 0;
        return comes;
    }

    void expect(String operator) {
        if (!skip(operator)) {
            throw unexpected("'" + operator + "'");
        }
    }

    private Token token() {
        return tokens.get(position);
    }

    private Token next() {
        Token token = tokens.get(position);
        position += token.kind() == Kind.END ? 0 : 1;
        return token;
    }

    JinjaException unexpected(String expected) {
        return unexpected(token(), expected);
    }

    private static JinjaException unexpected(Token found, String expected) {
        return new JinjaException("expected " + expected + ", found " + found.shown());
    }

    private void enter() {
        if (depth++ == JinjaBudget.MAX_DEPTH) {
            throw new JinjaException("an expression nests more than " + JinjaBudget.MAX_DEPTH + " levels deep");
        }
    }

    private void count() {
        if (operations++ == MAX_OPERATIONS) {
            throw new JinjaException("an expression has more than " + MAX_OPERATIONS + " operations");
        }
    }
}
