package io.moetier.runtime.text.jinja;

import java.util.List;
import java.util.Optional;

/// What a template sees of the loop that it is in, as `loop`.
final class JinjaLoop {
    private final List<Object> elements;
    private int index;
    private Optional<List<Object>> seen = Optional.empty();

    JinjaLoop(List<Object> elements) {
        this.elements = elements;
    }

    void moveTo(int round) {
        index = round;
    }

    Object field(String name) {
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) elements.size() - index;
            case "revindex0" -> elements.size() - index - 1L;
            case "first" -> index == 0;
            case "last" -> index == elements.size() - 1;
            case "length" -> (long) elements.size();
            case "depth" -> 1L;
            case "depth0" -> 0L;
            case "previtem" -> index > 0 ? elements.get(index - 1) : Absent.UNDEFINED;
            case "nextitem" -> index + 1 < elements.size() ? elements.get(index + 1) : Absent.UNDEFINED;
            default -> Absent.UNDEFINED;
        };
    }

    Object call(String method, JinjaArguments arguments, JinjaBudget budget) {
        if (method.equals("changed")) {
            return changes(arguments.positional(), budget);
        }
        if (method.equals("cycle") && arguments.size() > 0) {
            return arguments.positional().get(index % arguments.size());
        }
        throw new JinjaException("loops have no method '" + method + "'");
    }

    /// Says whether values differ from those of the call before.
    private boolean changes(List<Object> values, JinjaBudget budget) {
        boolean same = seen.filter(before -> PythonValues.equal(before, values, budget))
                .isPresent();
        seen = Optional.of(values);
        return !same;
    }
}
