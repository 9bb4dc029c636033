package io.moetier.runtime.text.jinja;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// One rendering: Jinjava cuts the template into nodes, and asks here what expressions mean.
///
/// Variables, values and their methods are those of this package. Jinjava's own, which lead to objects of Java and know
/// no bounds, are never asked.
final class JinjaInterpreter extends JinjavaInterpreter {
    /// Steps for reading or evaluating what this many characters say.
    private static final int CHARACTERS_PER_STEP = 8;

    /// What a loop is to do after the node that is being rendered.
    enum Jump {
        NONE,
        CONTINUE,
        BREAK
    }

    private final JinjaBudget budget;
    private final LocalDateTime now;
    private final Map<String, JinjaExpression> expressions = new HashMap<>();
    private final IdentityHashMap<TagNode, Object> headers = new IdentityHashMap<>();
    private JinjaScope scope = new JinjaScope(null);
    private Jump jump = Jump.NONE;
    private int loops;

    JinjaInterpreter(Jinjava engine, Context context, JinjavaConfig config, JinjaBudget budget, LocalDateTime now) {
        super(engine, context, config);
        this.budget = budget;
        this.now = now;
    }

    JinjaBudget budget() {
        return budget;
    }

    JinjaScope scope() {
        return scope;
    }

    /// Pays for a node that comes, and remembers its line for errors.
    void begin(Node node) {
        setLineNumber(node.getLineNumber());
        if (JinjaTag.isBranch(node)) {
            throw new JinjaException("'" + node.getName() + "' is not within what it belongs to");
        }
        budget.characters(node.getMaster().getImage().length());
    }

    @Override
    public Object resolveELExpression(String expression, int line) {
        setLineNumber(line);
        budget.steps(1 + expression.length() / CHARACTERS_PER_STEP);
        return expressions.computeIfAbsent(expression, JinjaParser::parse).value(this);
    }

    @Override
    public Object resolveELExpression(String expression, int line, int position) {
        return resolveELExpression(expression, line);
    }

    @Override
    public Object resolveELExpressionSilently(String expression) {
        return resolveELExpression(expression, getLineNumber());
    }

    @Override
    public String getAsString(Object value) {
        String text = PythonText.str(value, budget);
        budget.characters(text.length());
        return text;
    }

    /// Ends the rendering: Jinjava would go on and collect errors.
    @Override
    public void addError(TemplateError error) {
        throw new JinjaException(JinjaTag.explain(error), error.getLineno());
    }

    /// Returns what `reader` reads in the header of a tag, once for every tag.
    @SuppressWarnings("unchecked") // every tag has one reader
    <T> T header(TagNode tag, Function<JinjaParser, T> reader) {
        budget.steps(1 + tag.getHelpers().length() / CHARACTERS_PER_STEP);
        return (T) headers.computeIfAbsent(tag, missing -> {
            JinjaParser parser = new JinjaParser(tag.getHelpers());
            T header = reader.apply(parser);
            parser.end();
            return header;
        });
    }

    Object variable(String name) {
        Object value = scope.get(name);
        return value == Absent.UNDEFINED
                ? Optional.<Object>ofNullable(JinjaFunctions.named(name, now)).orElse(value)
                : value;
    }

    JinjaFunction function(String name) {
        budget.steps(1);
        if (variable(name) instanceof JinjaFunction function) {
            return function;
        }
        throw new JinjaException("unknown function '" + name + "'");
    }

    @SuppressWarnings("unchecked") // lists and dicts of templates hold any values
    Object method(Object base, String name, JinjaArguments arguments) {
        budget.steps(1);
        return switch (base) {
            case String text -> PythonStrings.call(text, name, arguments, budget);
            case List<?> list -> PythonCollections.onList((List<Object>) list, name, arguments, budget);
            case Map<?, ?> map -> PythonCollections.onMap((Map<Object, Object>) map, name, arguments, budget);
            case JinjaLoop loop -> loop.call(name, arguments, budget);
            case JinjaNamespace namespace
            when namespace.get(name) instanceof JinjaFunction function -> function.call(this, arguments);
            default -> throw new JinjaException(PythonValues.type(base) + " has no method '" + name + "'");
        };
    }

    /// Renders nodes with variables of their own.
    String render(List<Node> nodes, JinjaScope inner) {
        JinjaScope outer = scope;
        scope = inner;
        String text = render(nodes);
        scope = outer;
        return text;
    }

    /// Renders nodes until one of them leaves the round of a loop.
    String render(List<Node> nodes) {
        budget.enter();
        StringBuilder out = new StringBuilder();
        for (Node node : nodes) {
            if (jump != Jump.NONE) {
                break;
            }
            out.append(node.render(this).getValue());
        }
        budget.characters(out.length());
        budget.leave();
        return out.toString();
    }

    void enterLoop() {
        loops++;
    }

    void leaveLoop() {
        loops--;
    }

    /// Leaves the round of the innermost loop.
    void jump(Jump where) {
        if (loops == 0) {
            throw new JinjaException("there is no loop to leave");
        }
        jump = where;
    }

    /// Returns how the round of a loop ended, and forgets it.
    Jump landed() {
        Jump landed = jump;
        jump = Jump.NONE;
        return landed;
    }

    /// Renders the body of a macro, whose loops are its own.
    String call(List<Node> body, JinjaScope inner) {
        int line = getLineNumber();
        int outerLoops = loops;
        loops = 0;
        String text = render(body, inner);
        loops = outerLoops;
        setLineNumber(line);
        return text;
    }

    /// Evaluates an expression with the variables of another place.
    Object evaluate(JinjaExpression expression, JinjaScope inner) {
        JinjaScope outer = scope;
        scope = inner;
        Object value = expression.value(this);
        scope = outer;
        return value;
    }
}
