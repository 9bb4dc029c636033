package io.moetier.runtime.text.jinja;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaProcessors;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.InterpretException;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.util.Map;

/// Renders chat templates so that the result is that of *transformers*.
///
/// Jinjava cuts a template into texts, expressions and tags, with the blanks around blocks dropped (`trim_blocks`,
/// `lstrip_blocks`). What expressions and tags mean is said in this package, within a [JinjaBudget]. Loading this class
/// loads the engine.
public final class JinjaRenderer {
    private static final String UNRENDERABLE = ": the chat template cannot be rendered: ";

    private JinjaRenderer() {}

    /// Renders a template.
    ///
    /// @param variables what it finds by name: strings, numbers, booleans, lists and maps
    /// @param budget what it may cost
    /// @param clock the time for templates that write the date
    /// @param source the file to name in errors
    /// @throws MalformedModelException if the template is wrong, wants too much, or refuses the conversation
    public static String render(
            String template, Map<String, Object> variables, JinjaBudget budget, Clock clock, Path source) {
        if (template.length() > JinjaBudget.MAX_TEMPLATE_LENGTH) {
            throw new MalformedModelException(source + UNRENDERABLE + "it has " + template.length()
                    + " characters, and may have " + JinjaBudget.MAX_TEMPLATE_LENGTH);
        }
        JinjavaConfig config = config();
        Jinjava engine = new Jinjava(config);
        for (JinjaTag tag : JinjaTag.values()) {
            engine.getGlobalContext().registerTag(tag);
        }
        Context context = new Context(engine.getGlobalContext());
        JinjaInterpreter in = new JinjaInterpreter(engine, context, config, budget, LocalDateTime.now(clock));
        variables.forEach((name, value) -> in.scope().set(name, PythonValues.of(value)));
        return render(template, in, source);
    }

    /// Says whether a template failed by its own word: its file is as it should be, the conversation is not.
    public static boolean isRefusal(MalformedModelException failure) {
        return failure.getCause() instanceof JinjaException.Refusal;
    }

    private static String render(String template, JinjaInterpreter in, Path source) {
        try {
            return in.render(JinjaDialect.toJinjava(template));
        } catch (JinjaException.Refusal e) {
            throw new MalformedModelException(
                    source + ": the chat template refuses the conversation: " + e.getMessage(), e);
        } catch (InterpretException e) {
            int line = e.getLineNumber() > 0 ? e.getLineNumber() : in.getLineNumber();
            throw unrenderable(source, line, String.valueOf(e.getMessage()), e);
        } catch (StackOverflowError e) {
            throw unrenderable(source, in.getLineNumber(), "it nests too deep", e);
        } catch (OutOfMemoryError e) {
            throw unrenderable(source, in.getLineNumber(), "it needs too much memory", e);
        }
    }

    private static MalformedModelException unrenderable(Path source, int line, String fault, Throwable cause) {
        return new MalformedModelException(source + UNRENDERABLE + "line " + Math.max(1, line) + ": " + fault, cause);
    }

    private static JinjavaConfig config() {
        return JinjavaConfig.newBuilder()
                .withNestedInterpretationEnabled(false)
                .withProcessors(JinjavaProcessors.newBuilder()
                        .withNodePreProcessor((node, in) -> ((JinjaInterpreter) in).begin(node))
                        .build())
                .withLegacyOverrides(asJinja())
                .build();
    }

    /// Returns the switches for the structure of a template; that for blanks within delimiters would leave `{%-if`
    /// alone.
    private static LegacyOverrides asJinja() {
        return LegacyOverrides.newBuilder()
                .withParseWhitespaceControlStrictly(true)
                .withAllowAdjacentTextNodes(true)
                .withUseTrimmingForNotesAndExpressions(true)
                .withHandleBackslashInQuotesOnly(true)
                .withDefaultKeepTrailingNewlineBehavior(true)
                .build();
    }
}
