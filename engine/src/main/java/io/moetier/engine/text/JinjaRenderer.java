package io.moetier.engine.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import jinjava.javax.el.CompositeELResolver;
import org.jspecify.annotations.Nullable;

/// Renders chat templates with Jinjava, set up and completed so that the result is that of *transformers*.
///
/// What is set up: blanks around blocks (`trim_blocks`, `lstrip_blocks`), and Jinjava's switches that replace old
/// behaviour of its own by that of Jinja. What is completed: [JinjaDialect], [PythonMethods], [ToJsonFilter] and two
/// functions. Loading this class loads the engine.
final class JinjaRenderer {
    private static final String UNRENDERABLE = ": the chat template cannot be rendered: ";
    private static final String NOW = "moetier_now";

    private JinjaRenderer() {}

    /// Renders `template`; `source` is named in errors.
    static String render(String template, Map<String, Object> variables, Clock clock, Path source) {
        Jinjava engine = new Jinjava(config());
        engine.getGlobalContext()
                .registerFunction(
                        new ELFunctionDefinition("", "raise_exception", JinjaRenderer.class, "raise", String.class));
        engine.getGlobalContext()
                .registerFunction(
                        new ELFunctionDefinition("", "strftime_now", JinjaRenderer.class, "formatNow", String.class));
        engine.getGlobalContext().registerFilter(new ToJsonFilter());
        Map<String, Object> bindings = new HashMap<>(variables);
        bindings.put(NOW, LocalDateTime.now(clock));
        RenderResult result = engine.renderForResult(dialect(template, source), bindings);
        if (result.hasErrors()) {
            throw failure(result.getErrors(), source);
        }
        return result.getOutput();
    }

    /// Ends the rendering; templates call it on a conversation they cannot write.
    @SuppressWarnings("DoNotCallSuggester") // templates call it
    public static Object raise(String message) {
        throw new Raised(message);
    }

    /// Writes the time of the rendering in a pattern of C's `strftime`.
    public static String formatNow(String pattern) {
        Object now = JinjavaInterpreter.getCurrent().getContext().get(NOW);
        return now instanceof LocalDateTime time ? Strftime.format(pattern, time) : "";
    }

    private static String dialect(String template, Path source) {
        try {
            return JinjaDialect.toJinjava(template);
        } catch (IllegalArgumentException e) {
            throw new MalformedModelException(source + UNRENDERABLE + e.getMessage(), e);
        }
    }

    private static JinjavaConfig config() {
        CompositeELResolver resolver = new CompositeELResolver();
        resolver.add(new PythonMethods());
        resolver.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY);
        return JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withNestedInterpretationEnabled(false)
                .withElResolver(resolver)
                .withDisabled(Map.of(Context.Library.TAG, Set.of("include", "import", "from", "extends")))
                .withLegacyOverrides(asJinja())
                .build();
    }

    /// Returns all switches but the one for blanks within delimiters, which would leave `{%-if` alone.
    private static LegacyOverrides asJinja() {
        return LegacyOverrides.newBuilder()
                .withEvaluateMapKeys(true)
                .withIterateOverMapKeys(true)
                .withUsePyishObjectMapper(true)
                .withUseNaturalOperatorPrecedence(true)
                .withParseWhitespaceControlStrictly(true)
                .withAllowAdjacentTextNodes(true)
                .withUseTrimmingForNotesAndExpressions(true)
                .withKeepNullableLoopValues(true)
                .withHandleBackslashInQuotesOnly(true)
                // The alternative drops the last newline of the result; Jinja drops that of the template.
                .withDefaultKeepTrailingNewlineBehavior(true)
                .build();
    }

    private static MalformedModelException failure(List<TemplateError> errors, Path source) {
        for (TemplateError error : errors) {
            for (@Nullable Throwable cause = error.getException(); cause != null; cause = cause.getCause()) {
                if (cause instanceof Raised) {
                    return new MalformedModelException(
                            source + ": the chat template refuses the conversation: " + cause.getMessage(), cause);
                }
            }
        }
        TemplateError first = errors.getFirst();
        return new MalformedModelException(
                source + UNRENDERABLE + "line " + first.getLineno() + ": " + first.getMessage(), first.getException());
    }

    /// The template's own refusal.
    private static final class Raised extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Raised(String message) {
            super(message);
        }
    }
}
