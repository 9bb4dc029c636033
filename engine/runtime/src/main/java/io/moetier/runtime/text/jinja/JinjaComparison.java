package io.moetier.runtime.text.jinja;

import java.util.List;

/// A chain of comparisons, each of which must hold: `a < b < c`.
record JinjaComparison(JinjaExpression first, List<Link> links) implements JinjaExpression {
    /// An operator and what stands to its right.
    record Link(String operator, JinjaExpression right) {}

    @Override
    public Object value(JinjaInterpreter in) {
        Object left = first.value(in);
        for (Link link : links) {
            Object right = link.right().value(in);
            if (!PythonOperators.compare(link.operator(), left, right, in.budget())) {
                return false;
            }
            left = right;
        }
        return true;
    }
}
