package io.moetier.runtime.text.jinja;

import com.hubspot.jinjava.tree.Node;
import java.util.List;

/// An assignment of a value, or of the text up to `endset`.
///
/// @param targets what to assign to
/// @param value the value, which finds the text as the variable [#TEXT]
/// @param block whether it takes the text
record JinjaSet(JinjaTargets targets, JinjaExpression value, boolean block) {
    /// No name that a template could write.
    private static final String TEXT = "(text)";

    static JinjaSet read(JinjaParser parser) {
        JinjaTargets targets = JinjaTargets.read(parser);
        if (parser.skip("=")) {
            return new JinjaSet(targets, parser.tuple(), false);
        }
        return new JinjaSet(targets, parser.filters(in -> in.variable(TEXT)), true);
    }

    void run(JinjaInterpreter in, List<Node> children) {
        JinjaScope inner = new JinjaScope(in.scope());
        if (block) {
            String text = in.render(children, inner);
            inner.clear();
            inner.set(TEXT, text);
        }
        targets.assign(in.evaluate(value, inner), in.scope(), in.budget());
    }
}
