package io.moetier.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// What is wrong with a command line, in a sentence.
final class Misuse {
    private Misuse() {}

    /// Returns the sentence for `cause`, which picocli found in `args`.
    ///
    /// Unknown options come first: what else is wrong may follow from them, as when their values are taken for
    /// arguments.
    static String sentence(ParameterException cause, String... args) {
        CommandSpec command = cause.getCommandLine().getCommandSpec();
        List<String> unmatched = cause instanceof UnmatchedArgumentException e ? e.getUnmatched() : List.of();
        List<String> options = Stream.concat(
                        Arrays.stream(args)
                                .takeWhile(word -> !word.equals("--"))
                                .filter(word -> isForeign(command, word)),
                        unmatched.stream().filter(Misuse::isOption))
                .map(Misuse::name)
                .distinct()
                .toList();
        if (!options.isEmpty()) {
            return (options.size() == 1 ? "unknown option: " : "unknown options: ")
                    + options.stream()
                            .map(option -> "'" + option + "'" + hint(command, option))
                            .collect(Collectors.joining("; "));
        }
        return unmatched.isEmpty() ? ofPicocli(cause) : unknownWord(command, unmatched.getFirst()) + quotes(command);
    }

    /// Returns the sentence for a word that is no command, or one too many for a command that takes none.
    static String unknownWord(CommandSpec command, String word) {
        if (command.subcommands().isEmpty()) {
            return "unexpected argument: '" + word + "'";
        }
        if (command.subcommands().containsKey(word)) {
            return "no command is looked for behind --: '" + word + "'";
        }
        return "unknown command: '" + word + "'"
                + OtherSpellings.ofCommand(word)
                        .map(ours -> answer(ours, command.subcommands().keySet()))
                        .orElseGet(() -> nearest(word, command.subcommands().keySet()));
    }

    private static String quotes(CommandSpec command) {
        return command.positionalParameters().stream()
                        .anyMatch(parameter -> parameter.paramLabel().equals("PROMPT"))
                ? "; a PROMPT of several words needs quotes around them"
                : "";
    }

    private static String ofPicocli(ParameterException cause) {
        String message = String.valueOf(cause.getMessage())
                .lines()
                .findFirst()
                .orElse("")
                .replaceFirst("positional parameter at index \\d+ \\((\\w+)\\)", "$1");
        return message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1);
    }

    private static boolean isOption(String word) {
        return word.length() > 1 && word.startsWith("-");
    }

    private static boolean isForeign(CommandSpec command, String word) {
        String name = name(word);
        return isOption(word)
                && !command.optionsMap().containsKey(name)
                && OtherSpellings.ofOption(name).isPresent();
    }

    private static String name(String option) {
        int end = option.indexOf('=');
        return end < 0 ? option : option.substring(0, end);
    }

    private static String hint(CommandSpec command, String option) {
        if (option.contains(" ")) {
            return "; a text that begins with a dash goes after --";
        }
        List<String> ours = command.options().stream()
                .filter(known -> !known.hidden())
                .map(OptionSpec::names)
                .flatMap(Arrays::stream)
                .collect(Collectors.toCollection(ArrayList::new));
        return OtherSpellings.ofOption(option)
                .filter(answer -> answer.contains(" ") || ours.contains(answer))
                .map(answer -> answer(answer, ours))
                .orElseGet(() -> nearest(option, ours));
    }

    private static String answer(String ours, Collection<String> names) {
        return names.contains(ours) ? didYouMean(List.of(ours)) : ": " + ours;
    }

    private static String nearest(String word, Collection<String> names) {
        List<String> nearest = Spelling.nearest(word, names);
        return nearest.isEmpty() ? "" : didYouMean(nearest);
    }

    private static String didYouMean(List<String> names) {
        return ", did you mean " + String.join(" or ", names) + "?";
    }
}
