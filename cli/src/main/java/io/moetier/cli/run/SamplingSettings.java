package io.moetier.cli.run;

import io.moetier.cli.option.SamplingOptions;
import io.moetier.cli.terminal.Numbers;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/// The sampling options by the names that the command line gives them, to be changed between two answers.
///
/// What there is, is read off [SamplingOptions]; a value is parsed, and checked, as the command line does.
final class SamplingSettings {
    private static final String DEFAULT = "default";

    private final CommandSpec options;

    SamplingSettings(SamplingOptions options) {
        this.options = CommandSpec.forAnnotatedObject(options);
    }

    /// Returns the names, without dashes.
    List<String> names() {
        return options.options().stream()
                .filter(option -> !option.hidden())
                .map(SamplingSettings::name)
                .toList();
    }

    /// Returns every name with its value, a line each.
    String table() {
        return names().stream().map(this::line).collect(Collectors.joining());
    }

    /// Returns a line with a name and its value.
    ///
    /// @throws IllegalArgumentException if there is no such name
    String line(String name) {
        OptionSpec option = require(options, name);
        return String.format("%-15s %s\n", name(option), shown(option.getValue()));
    }

    /// Gives a setting the value that `text` says; `default` is what it is without the option.
    ///
    /// @throws IllegalArgumentException if there is no such name, or the value cannot be right
    void set(String name, String text) {
        OptionSpec option = require(options, name);
        SamplingOptions tried = new SamplingOptions();
        CommandLine line = new CommandLine(tried)
                .registerConverter(Integer.class, Numbers::integer)
                .registerConverter(int.class, Numbers::integer)
                .registerConverter(long.class, Numbers::wholeNumber)
                .registerConverter(double.class, Numbers::decimal);
        try {
            line.parseArgs(text.equals(DEFAULT) ? new String[0] : new String[] {option.longestName() + "=" + text});
        } catch (ParameterException e) {
            throw new IllegalArgumentException(
                    name(option) + ": expected " + expected(option) + " or default, found '" + text + "'", e);
        }
        tried.answer();
        option.setValue(require(line.getCommandSpec(), name).getValue());
    }

    private OptionSpec require(CommandSpec spec, String name) {
        return Optional.ofNullable(spec.findOption(name.replaceFirst("^--?", "")))
                .orElseThrow(() -> new IllegalArgumentException(
                        "no such setting: " + name + "; expected one of " + String.join(", ", names())));
    }

    private static String name(OptionSpec option) {
        return Arrays.stream(option.names())
                .filter(name -> name.startsWith("--"))
                .findFirst()
                .orElse(option.longestName())
                .replaceFirst("^--?", "");
    }

    private static String expected(OptionSpec option) {
        Class<?> type = option.type();
        if (type == boolean.class) {
            return "true or false";
        }
        if (type == List.class) {
            return "a text";
        }
        return type == double.class ? "a number" : "an integer";
    }

    private static String shown(@Nullable Object value) {
        if (value == null) {
            return DEFAULT;
        }
        return value instanceof List<?> texts && texts.isEmpty() ? "none" : String.valueOf(value);
    }
}
