package io.moetier.runtime.text.jinja;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The functions that templates find: those of Jinja that chat templates use, and the two of *transformers*.
final class JinjaFunctions {
    private static final int STEPS_PER_FIELD = 16;

    private JinjaFunctions() {}

    /// Returns a function, or null if there is none of that name.
    static @Nullable JinjaFunction named(String name, LocalDateTime now) {
        return switch (name) {
            case "range" -> (in, arguments) -> range(arguments, in.budget());
            case "dict" -> (in, arguments) -> PythonCollections.updates(arguments, in.budget());
            case "namespace" -> (in, arguments) -> namespace(arguments, in.budget());
            case "raise_exception" ->
                (in, arguments) -> {
                    throw new JinjaException.Refusal(PythonText.str(arguments.get(0, "message"), in.budget()));
                };
            case "strftime_now" ->
                (in, arguments) -> {
                    String pattern = arguments.string(0, "format");
                    in.budget().steps(STEPS_PER_FIELD * (long) pattern.length());
                    return Strftime.format(pattern, now);
                };
            default -> null;
        };
    }

    private static List<Object> range(JinjaArguments arguments, JinjaBudget budget) {
        boolean single = arguments.size() == 1;
        long from = single ? 0 : arguments.integer(0, "start", 0);
        long to = arguments.integer(single ? 0 : 1, "stop", 0);
        long step = arguments.integer(2, "step", 1);
        if (step == 0) {
            throw new JinjaException("the step of a range must not be 0");
        }
        List<Object> numbers = new ArrayList<>();
        for (long i = from; step > 0 ? i < to : i > to; i += step) {
            budget.steps(1);
            numbers.add(i);
        }
        return numbers;
    }

    private static JinjaNamespace namespace(JinjaArguments arguments, JinjaBudget budget) {
        JinjaNamespace namespace = new JinjaNamespace();
        PythonCollections.updates(arguments, budget)
                .forEach((name, value) -> namespace.set(String.valueOf(name), value));
        return namespace;
    }
}
