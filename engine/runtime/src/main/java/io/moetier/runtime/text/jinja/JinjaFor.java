package io.moetier.runtime.text.jinja;

import com.hubspot.jinjava.tree.Node;
import io.moetier.runtime.text.jinja.JinjaInterpreter.Jump;
import java.util.ArrayList;
import java.util.List;

/// A loop over the elements of a value for which a condition holds, or another text if there are none.
///
/// @param targets the names of an element
/// @param elements what to loop over
/// @param condition which elements count
/// @param body the nodes of a round
/// @param otherwise the nodes for no round
record JinjaFor(
        JinjaTargets targets,
        JinjaExpression elements,
        JinjaExpression condition,
        List<Node> body,
        List<Node> otherwise) {

    /// Reads the header of a loop.
    ///
    /// @param children the nodes of the loop and behind its `else`
    static JinjaFor read(JinjaParser parser, List<Node> children) {
        JinjaTargets targets = JinjaTargets.read(parser);
        if (!parser.skipName("in")) {
            throw parser.unexpected("'in'");
        }
        JinjaExpression elements = parser.iterable();
        JinjaExpression condition = parser.skipName("if") ? parser.expression() : in -> true;
        List<Node> nodes = new ArrayList<>(children);
        int branch = 0;
        while (branch < nodes.size() && !JinjaTag.isBranch(nodes.get(branch))) {
            branch++;
        }
        boolean branches = branch < nodes.size() && nodes.get(branch).getName().equals("else");
        List<Node> otherwise = nodes.subList(branches ? branch + 1 : branch, nodes.size());
        return new JinjaFor(targets, elements, condition, nodes.subList(0, branch), otherwise);
    }

    String render(JinjaInterpreter in) {
        JinjaScope scope = new JinjaScope(in.scope());
        List<Object> kept = kept(in, scope);
        if (kept.isEmpty()) {
            return in.render(otherwise, new JinjaScope(in.scope()));
        }
        JinjaLoop loop = new JinjaLoop(kept);
        in.enterLoop();
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < kept.size(); i++) {
            in.budget().steps(1);
            loop.moveTo(i);
            scope.clear();
            scope.set("loop", loop);
            targets.assign(kept.get(i), scope, in.budget());
            out.append(in.render(body, scope));
            if (in.landed() == Jump.BREAK) {
                break;
            }
        }
        in.leaveLoop();
        return out.toString();
    }

    private List<Object> kept(JinjaInterpreter in, JinjaScope scope) {
        List<Object> kept = PythonValues.elements(elements.value(in), in.budget());
        kept.removeIf(element -> {
            in.budget().steps(1);
            targets.assign(element, scope, in.budget());
            return !PythonValues.isTrue(in.evaluate(condition, scope));
        });
        return kept;
    }
}
